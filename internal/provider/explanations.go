package provider

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
)

// Reasons that arise in this package, in addition to those of internal/acr.
const (
	missingRegistry      fault.Reason = "missing registry"
	unknownConfiguration fault.Reason = "unknown configuration"
	unknownForResource   fault.Reason = "unknown configuration for a resource"
	noSourceCredential   fault.Reason = "no source credential"
	uncheckedCertificate fault.Reason = "unchecked certificate" // a warning
	fewerPermissions     fault.Reason = "fewer permissions"     // a warning
	moreFailures         fault.Reason = "more failures"
	otherRegistry        fault.Reason = "other registry"
	leftElsewhere        fault.Reason = "left elsewhere" // a warning
	tagLeft              fault.Reason = "tag left"       // a warning
)

// Advice for values that are refused with InvalidArgument, whose error otherwise says what is expected.
const (
	digestAdvice    = "for a tag, use `image` of the data source acr_manifest"
	importAdvice    = "import it with a provider block of that registry"
	lineBreakAdvice = "use chomp() on a file's content"
	emptyAdvice     = "leave it out instead"
)

// explanation is the text for a reason.
type explanation struct {
	Summary string // the diagnostic's title
	Cause   string // why it happens
	Remedy  string // what to do
}

// detail returns the text of a diagnostic: why it happens, the facts of this case, one a line, and what to do.
func (e explanation) detail(facts ...string) string {
	return strings.Join(slices.Concat([]string{e.Cause, ""}, facts, []string{"What to do: " + e.Remedy}), "\n")
}

// explanations has the texts of all diagnostics. The page "Troubleshooting" repeats them word for word, which a test
// checks.
var explanations = map[fault.Reason]explanation{
	fault.InvalidArgument: {
		Summary: "Invalid value",
		Cause:   "A name or value breaks its grammar. Nothing was sent to the registry.",
		Remedy:  "Correct the attribute that the error points at. The error says what is expected.",
	},
	fault.MissingSetting: {
		Summary: "Setting missing",
		Cause:   "A setting that goes with another one is missing. Nothing was sent to the registry.",
		Remedy: "Set what the error names, in the provider block or in its environment variable. With `client_id`, set a way to sign in as well: " +
			"`client_secret`, `client_certificate_path`, `use_oidc`, `use_aks_workload_identity` or `use_msi`.",
	},
	fault.ConflictingSettings: {
		Summary: "Settings contradict each other",
		Cause:   "Two settings cannot be used together, or name different values for one thing. Nothing was sent to the registry.",
		Remedy:  "Remove one of the two that the error names, from the configuration or from the environment.",
	},
	missingRegistry: {
		Summary: "No registry given",
		Cause:   "Neither the provider block nor the environment names a registry.",
		Remedy:  "Set `registry` in the provider block, or ACR_REGISTRY, to the login server, such as example.azurecr.io.",
	},
	unknownConfiguration: {
		Summary: "Provider configuration is known only after apply",
		Cause: "The provider block takes a value from something that this run has yet to create, while this is read at plan. " +
			"Nothing was sent, neither with a credential nor as an anonymous caller.",
		Remedy: "Add `depends_on` with that resource to the data source: the read then waits for apply. Or create the resource first, with " +
			"`terraform apply -target=...` or in a configuration of its own. Or leave the attribute out and set ACR_REGISTRY, ACR_USERNAME " +
			"and ACR_PASSWORD.",
	},
	unknownForResource: {
		Summary: "Provider configuration is known only after apply: resource",
		Cause: "The provider block takes a value from something that this run has yet to create or change, while this resource is read at " +
			"plan too and cannot wait. Nothing was sent, neither with a credential nor as an anonymous caller.",
		Remedy: "Create or change the other resource first, with `terraform apply -target=...` or in a configuration of its own. Or leave the attribute out of " +
			"the provider block and set ACR_REGISTRY, ACR_USERNAME and ACR_PASSWORD.",
	},
	uncheckedCertificate: {
		Summary: "Certificate is not checked",
		Cause:   "`insecure_skip_verify` is set. Anyone who can answer in the registry's place receives the credential.",
		Remedy:  "Set `ca_cert_pem` to the registry's own authority, and remove `insecure_skip_verify`.",
	},
	fault.Unreachable: {
		Summary: "Registry unreachable",
		Cause:   "The host name could not be looked up, or no connection to the host could be made or kept.",
		Remedy: "Check `registry`: the login server, such as example.azurecr.io, not the registry's name alone. Check the DNS and the " +
			"network. A registry with a private endpoint answers only where that endpoint resolves. A host after a redirect is the " +
			"registry's storage, such as `*.blob.core.windows.net` or `*.data.azurecr.io`: a firewall must admit it, too. Behind a proxy, " +
			"set HTTPS_PROXY.",
	},
	fault.TimedOut: {
		Summary: "No answer in time",
		Cause:   "No complete answer came within `request_timeout`, at any attempt.",
		Remedy:  "Check the network between this machine and the registry, or raise `request_timeout` in the provider block.",
	},
	fault.Canceled: {
		Summary: "Cancelled",
		Cause:   "Terraform was interrupted before an answer came.",
		Remedy:  "Run Terraform again.",
	},
	fault.CertificateRejected: {
		Summary: "Certificate not trusted",
		Cause: "The server's certificate fails the check. It comes from a private authority or from a proxy that inspects TLS, is for " +
			"another host, or is not valid at this machine's time.",
		Remedy: "Set `ca_cert_pem` in the provider block to the authority's certificate, or add it to the system's store (on Linux, " +
			"SSL_CERT_FILE names another store). If the certificate is said to be expired, check the clock.",
	},
	fault.ProxyRefused: {
		Summary: "Proxy refused the request",
		Cause:   "The HTTP proxy between this machine and the registry does not let the request through, or its settings are unusable.",
		Remedy:  "Check HTTPS_PROXY with its user name and password, and NO_PROXY.",
	},
	fault.NotARegistry: {
		Summary: "Not a container registry",
		Cause: "The server does not speak the registry protocol with bearer tokens. It may be a registry with Basic authentication alone, " +
			"another web server, a login page, a proxy, or http where https was expected.",
		Remedy: "Check `registry`: it is the login server, such as example.azurecr.io. For a registry on this machine without TLS, " +
			"set `plain_http = true`.",
	},
	fault.NoTokenNeeded: {
		Summary: "No token to hand out",
		Cause:   "The registry answers without asking for a token.",
		Remedy:  "Leave `acr_bearer_token` out; the other data sources read from this registry as it is.",
	},
	fault.ForeignRealm: {
		Summary: "Token server not trusted",
		Cause: "The registry names a token server on another origin. Someone who answers in the registry's name could do that to collect " +
			"passwords, so nothing was sent there.",
		Remedy: "If that host really is the registry's token server, add it to `trusted_token_hosts` in the provider block. Otherwise find " +
			"out who answers in the registry's name. With Entra ID no other host is ever trusted: give the login server that the tokens " +
			"come from as `registry`, or a user name and a password.",
	},
	fault.BadRedirect: {
		Summary: "Redirect not followed",
		Cause: "The server redirects to where the request must not go: to another origin with a credential, to http, in a loop, too often, " +
			"or to no usable address.",
		Remedy: "Check `registry`, and any proxy or gateway before it.",
	},
	fault.WrongCredentials: {
		Summary: "Wrong user name or password",
		Cause: "The token server refuses the credential. It is misspelled, expired or regenerated, it belongs to a disabled token or service " +
			"principal, or the registry's admin user is switched off.",
		Remedy: "Check `username` and `password` of the provider block, ACR_USERNAME and ACR_PASSWORD, or the Docker config, whichever is " +
			"in use. A new password takes about a minute to work. A refresh token goes with the user name " + auth.NullUsername +
			" and expires after three hours.",
	},
	fault.NoCredential: {
		Summary: "Credential needed",
		Cause: "The registry refuses anonymous callers. No credential was found in the provider block, in ACR_USERNAME and ACR_PASSWORD, " +
			"nor, with `use_docker_config`, in the Docker config. For an Azure registry, the ARM_ variables name no identity, and the " +
			"Azure CLI is missing or signed out.",
		Remedy: "Sign in with `az login`, or name an identity of Entra ID in the provider block or the ARM_ variables. Or set `username` and " +
			"`password` in the provider block or in the environment. For a registry with a custom domain, name the identity in the " +
			"provider block. If the registry should be public, switch anonymous pull on, which needs the tier Standard or Premium.",
	},
	noSourceCredential: {
		Summary: "Credential needed for the source",
		Cause:   "The source's registry refuses anonymous callers, and no credential for it was found. The provider's own password is never sent there.",
		Remedy: "Set `source_username` and `source_password_wo`. Without them, the provider's identity of Entra ID reads from other Azure " +
			"registries of its cloud, and with `use_docker_config` the Docker config is used.",
	},
	fault.CredentialHelper: {
		Summary: "Docker config not usable",
		Cause:   "The Docker config or its credential helper failed. Anonymous access is not tried instead.",
		Remedy: "Run `docker login` with the registry's name by hand: it shows why it fails. Or sign in again with `az acr login`, or check the " +
			"helper that the Docker config names. If the home folder is unknown, set DOCKER_CONFIG. Or set `username` and `password` in the " +
			"provider block.",
	},
	fault.InvalidToken: {
		Summary: "Bearer token refused",
		Cause:   "The registry refuses the token. It is expired or revoked, or was issued by another registry.",
		Remedy: "If `access_token` is set, pass one that `acr_bearer_token` fetched from this registry in the same run, or leave it out. " +
			"Otherwise check this machine's clock, and run again.",
	},
	fault.InsufficientScope: {
		Summary: "Permission missing",
		Cause:   "The token does not allow this read: the identity behind it lacks the permission.",
		Remedy: "Give the identity the role AcrPull. On a registry with ABAC permissions it is Container Registry Repository Reader, or " +
			"Container Registry Repository Catalog Lister to list the repositories. Or add the missing action to the scope map of its " +
			"repository-scoped token: content/read for manifests, metadata/read for tags and properties. A repository-scoped token can " +
			"never list the catalog. If `access_token` is set, request the missing action with `actions` of `acr_bearer_token`. Check the name of the repository too: the registry answers the same for one that does not exist.",
	},
	moreFailures: {
		Summary: "More images failed",
		Cause:   "More references failed than are shown: one mistake can break them all.",
		Remedy:  "Fix those that are shown, and run again.",
	},
	fewerPermissions: {
		Summary: "Token with fewer permissions than asked for",
		Cause: "The token server issued a token without some of the actions: the identity has no permission for them, or the repository " +
			"does not exist.",
		Remedy: "Give the identity that permission, or remove the actions.",
	},
	otherRegistry: {
		Summary: "Resource of another registry",
		Cause: "Terraform was to change a resource that it made in another registry than the one that the provider works with now. Nothing was " +
			"sent to either.",
		Remedy: "Plan again without `-refresh=false`: Terraform then makes the resource in the new registry, and forgets the one in the old. " +
			"To keep that one, set the provider's `registry` back, or manage each registry with a provider block of its own, under an `alias`.",
	},
	leftElsewhere: {
		Summary: "Left in another registry",
		Cause: "Terraform forgets a resource that it made in another registry than the one that the provider works with now. Nothing was sent to " +
			"either, so that registry stays as it is.",
		Remedy: "If it should not stay, remove the tag or the lock there, for instance with the Azure CLI.",
	},
	tagLeft: {
		Summary: "Tag left on another image",
		Cause:   "The tag of a copy that was to be destroyed names another image by now: somebody moved it. It was not removed.",
		Remedy:  "Nothing, if it should stay. Otherwise remove it with `az acr repository untag`.",
	},
	fault.Denied: {
		Summary: "Access denied",
		Cause:   "The registry, or a gateway in front of it, refuses this caller with 403, whatever token it sends.",
		Remedy: "Read what came back. Check that the identity may use this registry, and whether a policy, a gateway or a proxy stands between. A " +
			"message of the registry's own firewall would name this machine's address.",
	},
	fault.Firewall: {
		Summary: "Access denied by the registry's firewall",
		Cause:   "The registry's network rules do not admit this machine's address, which the message names.",
		Remedy: "Add the address to the registry's network rules (https://aka.ms/acr/firewall), or run Terraform from an admitted network. " +
			"A changed rule takes some minutes to take effect.",
	},
	fault.CacheRule: {
		Summary: "Artifact cache cannot read its source",
		Cause: "A cache rule of the registry fills this repository from another registry. That one refuses the credential of the rule, limits " +
			"its callers, lacks the image or fails.",
		Remedy: "Check that the image is there in the source registry, under the name that the rule makes of it (`az acr cache list`). Check the rule's " +
			"credential set (`az acr credential-set list`): user name and password are secrets of a key vault, which its identity must be able to read.",
	},
	fault.Disallowed: {
		Summary: "Image locked or in quarantine",
		Cause: "The repository or the image is locked against reading (`read_enabled` is false), or the image is in quarantine until it has " +
			"been scanned.",
		Remedy: "Remove the lock with `az acr repository update --read-enabled true`, or with `acr_lock` if Terraform manages it: " +
			"`-target` reaches it where this read stops the plan. Or wait for the scan. An identity with the role AcrQuarantineReader can " +
			"read images in quarantine.",
	},
	fault.MayNotPush: {
		Summary: "Permission to push missing",
		Cause: "The token does not allow push: the identity behind it can at most read the repository, or the credential is limited to " +
			"another one.",
		Remedy: "Give the identity the role AcrPush, or Container Registry Repository Writer on a registry with ABAC permissions. Or add " +
			"content/write to the scope map of its repository-scoped token. Check the repository's name: a registry answers the same for one " +
			"that the credential does not cover.",
	},
	fault.MayNotDelete: {
		Summary: "Permission to delete missing",
		Cause:   "The token does not allow delete, which removing a tag requires.",
		Remedy: "Give the identity the role AcrDelete, or Container Registry Repository Contributor on a registry with ABAC permissions. Or add " +
			"content/delete to the scope map of its repository-scoped token. To forget the tag and leave it where it is, use a `removed` " +
			"block.",
	},
	fault.MayNotLock: {
		Summary: "Permission to change locks missing",
		Cause:   "The token does not allow metadata_write, which changing locks requires. The role AcrPush does not include it.",
		Remedy: "Use an identity with the role Contributor or Owner on the registry, or Container Registry Repository Writer on one with ABAC " +
			"permissions; the registry's admin user; or a repository-scoped token with metadata/write in its scope map.",
	},
	fault.WriteDisallowed: {
		Summary: "Locked, or the registry is full",
		Cause: "The registry forbids this write. The repository, the manifest or the tag is locked. Each of the three has its own locks: " +
			"`write_enabled = false` prevents overwriting and deleting, `delete_enabled = false` prevents deleting. Or the registry's " +
			"storage is full.",
		Remedy: "Look at the locks with `az acr repository show --name registry --repository team/app`, then with `--image team/app:tag` and " +
			"`--image team/app@digest`. Remove the lock that is set, with `acr_lock` if Terraform manages it. To delete, none of the three " +
			"may be locked. `az acr show-usage` shows the storage.",
	},
	fault.TagElsewhere: {
		Summary: "Tag exists and names another manifest",
		Cause: "A tag that this configuration should create exists already, and names another manifest. It was not changed, since somebody " +
			"may rely on it.",
		Remedy: "If a block that got another name has the tag, add a `moved` block. If something else has put it and Terraform should manage " +
			"it, import it: the next plan then shows both digests. Otherwise choose another tag, or remove this one first.",
	},
	fault.TagMoved: {
		Summary: "Tag has moved since the plan",
		Cause:   "Between plan and apply somebody else moved or removed the tag. It was not changed.",
		Remedy: "Plan again, and check the change. To leave the tag to whoever moved it, let Terraform forget it: put a `removed` block with `from` " +
			"set to this resource and `lifecycle { destroy = false }` in the place of the resource.",
	},
	fault.NotInRepository: {
		Summary: "Digest not in the repository",
		Cause:   "The repository has no manifest with this digest. A tag can only name a manifest of its own repository.",
		Remedy: "Check `digest` and `repository`. To copy an image from another repository or registry, use `acr_image_copy`, which can also " +
			"set the tag.",
	},
	fault.SignaturesDiffer: {
		Summary: "Target has signatures of its own",
		Cause: "Under one of cosign's tags for signatures, attestations and SBOMs, the target has something that the source lacks. The copy " +
			"would replace it, so it was not changed.",
		Remedy: "Set `referrers = false` to copy the image alone. Or remove the tag at the target, if it is not needed.",
	},
	fault.CannotUntag: {
		Summary: "Tag cannot be removed here",
		Cause: "The registry lacks Azure Container Registry's own API, and no other API can remove a tag and keep its manifest. Nothing was " +
			"deleted.",
		Remedy: "Let Terraform forget the tag: put a `removed` block with `from` set to this resource and `lifecycle { destroy = false }` in " +
			"the place of the resource, or run `terraform state rm`. Then remove the tag with the registry's own tools, if you need to.",
	},
	fault.RepositoryNotFound: {
		Summary: "Repository not found",
		Cause:   "The registry has no repository with this name.",
		Remedy: "Check the name of the repository, without a registry in front and without a tag. If it may be missing, set `allow_missing = " +
			"true` in `acr_manifest` or `acr_images`.",
	},
	fault.ManifestNotFound: {
		Summary: "Tag or digest not found",
		Cause:   "The repository has no manifest with this tag or digest: it was never pushed, was deleted, or is in quarantine.",
		Remedy: "Check the tag or digest; `acr_tags` lists the tags. If it may be missing, set `allow_missing = true` in `acr_manifest` or " +
			"`acr_images`.",
	},
	fault.ListNotFound: {
		Summary: "List not found",
		Cause:   "The registry answers that it has no such list: the repository does not exist, or the registry does not offer the list.",
		Remedy: "Check the name of the repository, without a registry in front and without a tag. Not every registry lists its repositories, " +
			"and not for every identity.",
	},
	fault.UnsupportedAPI: {
		Summary: "Not offered by this registry",
		Cause:   "The registry lacks the API for this. Times, counts and locks come from Azure Container Registry's own API, which others do not have.",
		Remedy:  "Leave out what needs the API, such as `order_by` with a time, or read from an Azure registry.",
	},
	fault.RateLimited: {
		Summary: "Too many requests",
		Cause: fmt.Sprintf("The registry limits how many requests an identity may make. It refused every attempt, or asked for a wait of "+
			"more than %.0f seconds.",
			acr.MaxRetryAfter.Seconds()),
		Remedy: "Run again later. Lower Terraform's `-parallelism`, raise `max_retries` in the provider block, or choose a larger registry SKU.",
	},
	fault.RegistryFault: {
		Summary: "Registry failed",
		Cause:   "The registry or its token server failed at every attempt.",
		Remedy:  "Run again later. If the fault persists, give Microsoft's support the correlation id.",
	},
	fault.RequestRefused: {
		Summary: "Request refused",
		Cause:   "The registry refuses the request, with a status that another attempt would not change.",
		Remedy: "Read what came back. 400 from the token server means that it does not accept the scopes or the service: check `scopes` and " +
			"`actions`. MANIFEST_INVALID or UNSUPPORTED for a manifest that is put means that the registry does not take this media type. 413 " +
			"comes from a proxy that limits the size of a layer. With `plain_http`, 400 means that the registry expects https. 404 without a registry's error code comes from a server that is not a registry.",
	},
	fault.BadAnswer: {
		Summary: "Answer breaks the protocol",
		Cause:   "An answer does not follow the specification. Nothing of it was used.",
		Remedy:  "Check `registry`, and any proxy or gateway that might answer in its place.",
	},
	fault.TooLarge: {
		Summary: "Answer too large",
		Cause: fmt.Sprintf("An answer is over its limit: %s and %s layers or children for a manifest, %s for an image configuration, %s and "+
			"%s entries for one page of a list, %s referrers, %s entries and %s of scanners' findings for a whole list, %s of manifests and %s referrers for a copy, %s manifests to find a platform in nested indexes. "+
			"Nothing of it was used.",
			mebibytes(oci.MaxManifest), thousands(oci.MaxDescriptors), mebibytes(oci.MaxConfig),
			mebibytes(acr.MaxPageBytes), thousands(acr.MaxPageEntries), thousands(acr.MaxReferrers), thousands(acr.MaxListEntries), mebibytes(acr.MaxListFindings),
			mebibytes(acr.MaxCopiedManifests), thousands(acr.MaxCopiedReferrers), thousands(acr.MaxIndexParts)),
		Remedy: "Narrow a list with `name_regex`, `prefix` or `limit`. Otherwise check the registry, and any proxy or gateway in front of " +
			"it: no ordinary image comes near the limit.",
	},
	fault.DigestMismatch: {
		Summary: "Digest mismatch",
		Cause:   "The bytes do not match their digest: they were changed on the way or in the registry. Nothing of them was used.",
		Remedy:  "Run again. If it fails again, look for a proxy that changes answers, and push the image again.",
	},
	fault.Schema1: {
		Summary: "Docker schema 1 manifest",
		Cause:   "The manifest has Docker's first format, which is deprecated and has no digest to pin.",
		Remedy:  "Build and push the image again with a current client.",
	},
	fault.IncompleteImage: {
		Summary: "Image incomplete",
		Cause: "The manifest exists, but the registry lacks a part that it names: that part was deleted, or the image was never pushed " +
			"completely.",
		Remedy: "Push the image again.",
	},
	fault.PartUnknown: {
		Summary: "Part of the image not known yet",
		Cause: "The registry refuses the manifest at every attempt: it does not know a part that the manifest names. On a geo-replicated " +
			"registry, a part that was just put reaches some replicas later than others. Or somebody deleted it.",
		Remedy: "Run again in some minutes: what has arrived is not sent again. If it fails again, push or copy the image anew, and find out " +
			"what deletes content in the repository.",
	},
	fault.UploadLost: {
		Summary: "Upload not known to the registry",
		Cause: "The registry refuses a blob at every attempt: it does not know the upload that it began a moment before. Its replicas may not " +
			"share uploads, or a proxy changes where they lead.",
		Remedy: "Run again: what has arrived is not sent again. For a registry of your own behind a load balancer, give all instances the same " +
			"storage and the same secret.",
	},
	fault.MalformedImage: {
		Summary: "Image malformed",
		Cause: "A manifest or configuration does not follow the specification. Its bytes match its digest, so it was built or pushed like " +
			"this: neither the registry nor the network has changed it.",
		Remedy: "Build the image again with a current client and push it, or show the error to whoever built it.",
	},
	fault.PlatformNotFound: {
		Summary: "Platform not found",
		Cause:   "The image does not exist for the platform, or it is an index and `platform` is not set.",
		Remedy: "Set `platform` to one that the error names. If the index or the image's configuration names no platform, leave `platform` " +
			"out, and set `digest` to that of the image.",
	},
	fault.NotAnImage: {
		Summary: "Not a container image",
		Cause:   "The manifest is an artifact, such as a chart or a signature, without an image configuration.",
		Remedy:  "Read it with `acr_manifest`, which reads any manifest.",
	},
	fault.SignInUnavailable: {
		Summary: "Sign-in service unavailable",
		Cause: "The service that signs in, or the one that issues the federated token for it, could not be reached or failed at every " +
			"attempt.",
		Remedy: "Check the network between this machine and the host that the error names. Behind a proxy, set HTTPS_PROXY. Otherwise run again later.",
	},
	fault.SignInRefused: {
		Summary: "Entra ID refused to sign in",
		Cause: "Entra ID refuses the proof of identity. The secret or certificate is wrong, expired or another application's, the " +
			"application is unknown in the tenant, or none of its federated credentials matches the token's issuer, subject and audience.",
		Remedy: "Look the AADSTS number up at https://login.microsoftonline.com/error. Check `tenant_id`, `client_id` and what goes with " +
			"them, in the provider block and in the ARM_ variables. For a federated token, compare the issuer, the subject and the audience " +
			"in the federated credential with those of the pipeline, character by character. For a certificate, check this machine's clock as well.",
	},
	fault.NoFederatedToken: {
		Summary: "No federated token",
		Cause:   "`use_oidc` or `use_aks_workload_identity` needs a federated token. None is configured, and the CI server offers none.",
		Remedy: "On GitHub, give the job `permissions: id-token: write`. On Azure DevOps, map `SYSTEM_ACCESSTOKEN: $(System.AccessToken)` " +
			"and set ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID to the service connection's id. On HCP Terraform, set TFC_AZURE_PROVIDER_AUTH. " +
			"Elsewhere set `oidc_token` or `oidc_token_file_path`.",
	},
	fault.FederatedTokenExpired: {
		Summary: "Federated token expired",
		Cause:   "Entra ID refuses the federated token because it has expired (AADSTS700024). Most are valid for a few minutes.",
		Remedy: "Let the provider fetch it, by the request variables of GitHub or Azure DevOps or from a file that is renewed, instead of " +
			"passing one that was fetched earlier. Check this machine's clock.",
	},
	fault.TenantNotFound: {
		Summary: "Tenant not found",
		Cause:   "Entra ID does not know the tenant (AADSTS90002, AADSTS900023): its id is wrong, or it is in another cloud.",
		Remedy: "Check `tenant_id` and ARM_TENANT_ID: it is the tenant of the registry's subscription. For a registry in Azure China or US Government, set " +
			"`environment` or ARM_ENVIRONMENT to `china` or `usgovernment`.",
	},
	fault.AudienceUnknown: {
		Summary: "Audience unknown to Entra ID",
		Cause:   "The tenant or cloud does not know the audience of the token (AADSTS500011, AADSTS50001).",
		Remedy: "Leave `entra_audience` and ACR_ENTRA_AUDIENCE out: the default fits every registry in Azure's clouds, and a registry's own name is never an " +
			"audience. In a cloud that lacks it, such as Azure Local, name the audience of its Azure Resource Manager.",
	},
	fault.NoManagedIdentity: {
		Summary: "No managed identity",
		Cause:   "`use_msi` needs a managed identity. This machine has none, or not the one that `client_id` names, or it does not run on Azure.",
		Remedy: "Give the machine an identity. If it has several, or only a user-assigned one, set `client_id` or ARM_CLIENT_ID. On Azure " +
			"Arc, add the user that runs Terraform to the group himds. Arc and Cloud Shell have one identity only: leave `client_id` and " +
			"ARM_CLIENT_ID out there.",
	},
	fault.AzureCLIMissing: {
		Summary: "Azure CLI missing",
		Cause:   "`use_cli` needs the Azure CLI, and `az` is not on PATH.",
		Remedy:  "Install the Azure CLI and sign in with `az login`, or sign in another way.",
	},
	fault.AzureCLISignedOut: {
		Summary: "Azure CLI signed out",
		Cause:   "The Azure CLI has no session, or its session has expired or needs another factor.",
		Remedy:  "Sign in with `az login --tenant` and the registry's tenant, and run again.",
	},
	fault.AzureCLITimedOut: {
		Summary: "Azure CLI does not answer",
		Cause:   "The Azure CLI did not end within `request_timeout`. It may be waiting for the network, or for another `az`.",
		Remedy:  "Run `az account get-access-token` by hand. Raise `request_timeout`, or set `use_cli = false` and sign in another way.",
	},
	fault.AzureCLIFailed: {
		Summary: "Azure CLI failed",
		Cause:   "The Azure CLI returned no token. Its output is not shown, since it may hold one.",
		Remedy: "Run `az account get-access-token --resource https://containerregistry.azure.net` by hand and read what it says. Or set " +
			"`use_cli = false` and sign in another way.",
	},
	fault.ExchangeRefused: {
		Summary: "Registry refused the identity",
		Cause: "Entra ID signed the identity in, but the registry refuses its token. The identity has no role on the registry, or is in " +
			"another tenant. Or the token is for another audience, and the registry accepts only its own.",
		Remedy: "Give the identity a role: AcrPull, or Container Registry Repository Reader on a registry with ABAC permissions; a new role " +
			"takes some minutes to apply. Check that `tenant_id` is the registry's tenant, and leave `entra_audience` out. To read " +
			"anonymously while the Azure CLI is signed in, set `use_cli = false`.",
	},
	fault.NotSignedIn: {
		Summary: "Not signed in with Entra ID",
		Cause: "`acr_login` returns a refresh token for an identity of Entra ID. The provider does not sign in with one: it uses a user name " +
			"and a password, or is anonymous.",
		Remedy: "Name an identity in the provider block, such as with `use_oidc`, `use_msi` or `use_cli`. With a user name and a password, " +
			"pass those on, or use `acr_bearer_token`.",
	},
	fault.NoExchange: {
		Summary: "Registry does not support Entra ID",
		Cause: "The registry does not accept identities of Entra ID: it is not an Azure registry, or it is a connected registry, which " +
			"knows only its own tokens.",
		Remedy: "Set `username` and `password`, such as those of a connected registry's client token. Or check `registry`.",
	},
}

// mebibytes formats a limit in bytes, as in 4 MiB.
func mebibytes(bytes int) string { return fmt.Sprintf("%d MiB", bytes>>20) }

// thousands formats a number with commas, as in 4,000.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
