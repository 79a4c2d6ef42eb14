# The locks of a repository, of a tag and of a manifest.
terraform import acr_lock.repository shop/checkout
terraform import acr_lock.tag shop/checkout:1.1.0
terraform import acr_lock.manifest shop/checkout@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a
