terraform import acr_tag.production shop/web:production
