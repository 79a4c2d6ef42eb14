package provider

import (
	"fmt"
	"strconv"

	"github.com/acrkit/terraform-provider-acr/internal/acr"
	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
)

// The situations that arise in this package, beside the reasons of internal/acr.
const (
	missingRegistry      fault.Reason = "missing registry"
	unknownConfiguration fault.Reason = "unknown configuration"
	uncheckedCertificate fault.Reason = "unchecked certificate" // a warning
	fewerPermissions     fault.Reason = "fewer permissions"     // a warning
	moreFailures         fault.Reason = "more failures"
)

// lineBreakAdvice is for an attribute that is refused for its line break.
const lineBreakAdvice = "use chomp() on a file's content"

// explanation is what a person is told about a reason.
type explanation struct {
	Summary string // the diagnostic's title
	Cause   string // why it happens
	Remedy  string // what to do
}

// explanations is the text of all diagnostics. The page "Troubleshooting" of the documentation repeats it word for
// word, and a test holds it to that.
var explanations = map[fault.Reason]explanation{
	fault.InvalidArgument: {
		Summary: "Invalid value",
		Cause:   "A name or value breaks its grammar. Nothing was sent to the registry.",
		Remedy:  "Correct the attribute that the error points at; it says what is expected there.",
	},
	missingRegistry: {
		Summary: "No registry given",
		Cause:   "Neither the provider block nor the environment names a registry.",
		Remedy:  "Set `registry` in the provider block, or ACR_REGISTRY, to the login server, such as example.azurecr.io.",
	},
	unknownConfiguration: {
		Summary: "Provider configuration is known only after apply",
		Cause: "The provider block takes a value from something that this run has yet to create, while the data source or ephemeral " +
			"resource is read at plan. Nothing was sent, neither with a credential nor as an anonymous caller.",
		Remedy: "Add `depends_on` with that resource to the data source, which moves the read to apply. Or create the resource first, with " +
			"`terraform apply -target=...` or in a configuration of its own. Or leave the attribute out and give the value in ACR_REGISTRY, " +
			"ACR_USERNAME and ACR_PASSWORD.",
	},
	uncheckedCertificate: {
		Summary: "Certificate is not checked",
		Cause:   "`insecure_skip_verify` is set, so whoever can answer in the registry's place is given the credential.",
		Remedy:  "Give the registry's own authority in `ca_cert_pem`, and take `insecure_skip_verify` out.",
	},
	fault.Unreachable: {
		Summary: "Registry unreachable",
		Cause:   "The host name is unknown, or no connection to it could be made or kept.",
		Remedy: "Check `registry`, the DNS and the network. A registry with a private endpoint answers only where that endpoint " +
			"resolves; behind a proxy, HTTPS_PROXY must be set.",
	},
	fault.TimedOut: {
		Summary: "No answer in time",
		Cause:   "No complete answer came within `request_timeout`, at any attempt.",
		Remedy:  "Check the network between this machine and the registry, or raise `request_timeout` in the provider block.",
	},
	fault.Canceled: {
		Summary: "Cancelled",
		Cause:   "Terraform was interrupted, or gave up, before an answer came.",
		Remedy:  "Run Terraform again.",
	},
	fault.CertificateRejected: {
		Summary: "Certificate not trusted",
		Cause: "The server's certificate fails the check: it comes from a private authority or from a proxy that opens TLS, is for " +
			"another host, or is not valid at this machine's time.",
		Remedy: "Give the authority's certificate in `ca_cert_pem` of the provider block, or add it to the system's store " +
			"(SSL_CERT_FILE names another one on Linux). Check the clock where the certificate is said to be expired.",
	},
	fault.ProxyRefused: {
		Summary: "Proxy refused the request",
		Cause:   "The HTTP proxy between this machine and the registry does not let the request through, or its settings are unusable.",
		Remedy:  "Check HTTPS_PROXY with its user name and password, and NO_PROXY.",
	},
	fault.NotARegistry: {
		Summary: "Not a container registry",
		Cause: "What answers does not speak the registry protocol with bearer tokens: another web server, a login page, a proxy, or " +
			"http where https was expected.",
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
		Cause: "The registry sends callers to a token server on another origin. Whoever answers in the registry's name could do so to " +
			"collect passwords, so nothing was sent there.",
		Remedy: "If that host really is the registry's token server, add it to `trusted_token_hosts` in the provider block. " +
			"Otherwise find out who answers under the registry's name. With Entra ID no other host is ever trusted: give the login server that the " +
			"tokens come from as `registry`, or a user name and a password.",
	},
	fault.BadRedirect: {
		Summary: "Redirect not followed",
		Cause: "The server redirects to where the request must not go: away with a credential, to http, in a loop, too often, or to no " +
			"usable address.",
		Remedy: "Check `registry`, and any proxy or gateway before it.",
	},
	fault.WrongCredentials: {
		Summary: "Wrong user name or password",
		Cause: "The token server refuses the credential. It is misspelled, expired or regenerated, belongs to a disabled token or " +
			"service principal, or the registry's admin user is switched off.",
		Remedy: "Check `username` and `password` of the provider block, ACR_USERNAME and ACR_PASSWORD, or the Docker config, whichever is " +
			"in use. A new password takes about a minute to work. A refresh token goes with the user name " + auth.NullUsername +
			" and expires after three hours.",
	},
	fault.NoCredential: {
		Summary: "Credential needed",
		Cause: "The registry does not give this to anonymous callers. No credential was found in the provider block, in ACR_USERNAME and " +
			"ACR_PASSWORD, nor, with `use_docker_config`, in the Docker config. For a registry of Azure, the ARM_ variables name no identity, and the " +
			"Azure CLI is missing or signed out.",
		Remedy: "Sign in with `az login`, or name an identity of Entra ID in the provider block or the ARM_ variables. Or set `username` and `password` " +
			"in the provider block or in the environment. For a registry on a host of its own name, name the way to sign in in the provider block. If this " +
			"should be public, switch anonymous pull on at the registry.",
	},
	fault.CredentialHelper: {
		Summary: "Docker config not usable",
		Cause:   "The Docker config or the credential helper that it names failed. Anonymous access is not tried in its place.",
		Remedy: "Sign in again with `docker login` or `az acr login`, or check the helper that the Docker config names. Or give " +
			"`username` and `password` in the provider block.",
	},
	fault.InvalidToken: {
		Summary: "Bearer token refused",
		Cause:   "The registry does not accept the token: it is expired or revoked, or was made for another registry.",
		Remedy: "Where `access_token` is given, pass one that `acr_bearer_token` made for this registry in the same run, or leave it out. " +
			"Otherwise check that this machine's clock is right, and run again.",
	},
	fault.InsufficientScope: {
		Summary: "Permission missing",
		Cause:   "The token was granted less than this read needs, because the identity behind it has no such permission.",
		Remedy: "Give the identity the role AcrPull, or Container Registry Repository Reader on a registry with ABAC permissions. Or add the " +
			"missing action to the scope map of its repository-scoped token: content/read for manifests, metadata/read for tags and properties. " +
			"A repository-scoped token can never list the catalog. Where `access_token` is given, ask for the missing action with `actions` of `acr_bearer_token`.",
	},
	moreFailures: {
		Summary: "More images failed",
		Cause:   "More references failed than are shown: one mistake can break them all.",
		Remedy:  "Mend those that are shown, and run again.",
	},
	fewerPermissions: {
		Summary: "Token with fewer permissions than asked for",
		Cause:   "The token server gave a token, but left some of the actions out: the identity has no permission for them, or the repository does not exist.",
		Remedy:  "Give the identity that permission, or do not ask for the actions.",
	},
	fault.Denied: {
		Summary: "Access denied",
		Cause: "The registry refuses this caller with 403. Mostly it is the registry's firewall, which does not admit this machine's " +
			"address; the message then names the address.",
		Remedy: "Add the address to the registry's network rules (https://aka.ms/acr/firewall), or run Terraform from a network that is " +
			"admitted.",
	},
	fault.Disallowed: {
		Summary: "Image locked or in quarantine",
		Cause: "The registry does not give this out: the repository or the image is locked against reading (`read_enabled` is false), or " +
			"the image waits in quarantine for its scan.",
		Remedy: "Lift the lock with `az acr repository update --read-enabled true`, or wait until the scan lets the image go. An identity " +
			"with the role AcrQuarantineReader may read what is in quarantine.",
	},
	fault.MayNotPush: {
		Summary: "Permission to push missing",
		Cause: "The token was granted no push: the identity behind it may read the repository at most, or the credential is limited to another " +
			"one.",
		Remedy: "Give the identity the role AcrPush, or Container Registry Repository Writer on a registry with ABAC permissions. Or add " +
			"content/write to the scope map of its repository-scoped token. Check the repository's name: a registry answers the same for one " +
			"that the credential does not cover.",
	},
	fault.MayNotDelete: {
		Summary: "Permission to delete missing",
		Cause:   "The token was granted no delete, which removing a tag needs.",
		Remedy: "Give the identity the role AcrDelete, or Container Registry Repository Contributor on a registry with ABAC permissions. Or add " +
			"content/delete to the scope map of its repository-scoped token. To forget the tag and leave it where it is, use a `removed` " +
			"block.",
	},
	fault.MayNotLock: {
		Summary: "Permission to change locks missing",
		Cause:   "The token was granted no metadata_write, which changing locks needs. AcrPush does not have it.",
		Remedy: "Use an identity with the role Contributor or Owner on the registry, or Container Registry Repository Writer on one with ABAC " +
			"permissions; the registry's admin user; or a repository-scoped token with metadata/write in its scope map.",
	},
	fault.WriteDisallowed: {
		Summary: "Locked, or the registry is full",
		Cause: "The registry forbids this write. The repository, the manifest or the tag is locked: each of the three has locks of its own, " +
			"`write_enabled = false` keeps from overwriting and deleting, `delete_enabled = false` from deleting. Or the registry's storage " +
			"is full.",
		Remedy: "Look at the locks with `az acr repository show --name registry --repository team/app`, then with `--image team/app:tag` and " +
			"`--image team/app@digest`. Lift the one that is set, with `acr_lock` where Terraform holds it. To delete, all three have to be " +
			"free. See the storage with `az acr show-usage`.",
	},
	fault.TagElsewhere: {
		Summary: "Tag is there and names another manifest",
		Cause:   "A tag that this configuration is to make exists, and names another manifest. It was not touched, since somebody may rely on it.",
		Remedy: "If Terraform is to manage the tag, import it; the next plan then shows which digest moves to which. Otherwise choose another " +
			"tag, or remove this one first.",
	},
	fault.TagMoved: {
		Summary: "Tag has moved since the plan",
		Cause:   "Between plan and apply somebody else moved the tag or removed it. It was not touched.",
		Remedy:  "Plan again, and see whether the change is still the one that is wanted.",
	},
	fault.NotInRepository: {
		Summary: "Digest not in the repository",
		Cause:   "The repository has no manifest with this digest. A tag can only name what is in its own repository.",
		Remedy: "Check `digest` and `repository`. To bring an image here from another repository or registry, use `acr_image_copy`, which can set " +
			"the tag as well.",
	},
	fault.SignaturesDiffer: {
		Summary: "Target has signatures of its own",
		Cause: "Under a tag that cosign keeps signatures, attestations or SBOMs by, the target of a copy has something that the source does not " +
			"have. The copy would replace it, so it was not touched.",
		Remedy: "Set `referrers = false` to copy the image alone. Or remove the tag at the target, if what it holds is of no use.",
	},
	fault.CannotUntag: {
		Summary: "Tag cannot be removed here",
		Cause: "The registry lacks Azure Container Registry's own API, and without it there is no way to remove a tag and keep the manifest. " +
			"Nothing was deleted.",
		Remedy: "Let Terraform forget the tag: put a `removed` block with `from` set to this resource and `lifecycle { destroy = false }` in the " +
			"place of the resource, or run `terraform state rm`. Then remove the tag with the registry's own means, if at all.",
	},
	fault.RepositoryNotFound: {
		Summary: "Repository not found",
		Cause:   "The registry has no repository of this name, or no longer.",
		Remedy: "Check the name of the repository, which has no registry in front and no tag behind. Where it may be missing, " +
			"`allow_missing = true` of `acr_manifest` or `acr_images` takes that for an answer.",
	},
	fault.ManifestNotFound: {
		Summary: "Tag or digest not found",
		Cause:   "The repository has no manifest under this tag or digest: it was never pushed, was deleted, or waits in quarantine.",
		Remedy: "Check the tag or digest; `acr_tags` lists what there is. Where it may be missing, `allow_missing = true` of " +
			"`acr_manifest` or `acr_images` takes that for an answer.",
	},
	fault.UnsupportedAPI: {
		Summary: "Not offered by this registry",
		Cause:   "The registry lacks the API for this. Times, counts and locks come from Azure Container Registry's own API, which others do not have.",
		Remedy:  "Leave out what needs the API, such as `order_by` with a time, or read from a registry on Azure.",
	},
	fault.RateLimited: {
		Summary: "Too many requests",
		Cause: fmt.Sprintf("The registry limits how many requests an identity may make, and kept refusing, or asks for a wait of more than %.0f seconds.",
			acr.MaxRetryAfter.Seconds()),
		Remedy: "Run again later. Lower Terraform's `-parallelism`, raise `max_retries` in the provider block, or take a larger registry SKU.",
	},
	fault.RegistryFault: {
		Summary: "Registry failed",
		Cause:   "The registry or its token server answers with a fault of its own, at every attempt.",
		Remedy:  "Run again later. If it stays so, give Microsoft's support the correlation id.",
	},
	fault.RequestRefused: {
		Summary: "Request refused",
		Cause:   "The registry refuses the request, with a status that a further attempt would not change.",
		Remedy: "Read what came back. 424 comes from the artifact cache, whose upstream registry failed; 404 without a registry's code " +
			"comes from something else than a registry.",
	},
	fault.BadAnswer: {
		Summary: "Answer breaks the protocol",
		Cause:   "An answer came that is not what the specification asks for. Nothing of it was used.",
		Remedy:  "Check `registry`, and any proxy or gateway that might answer in its place.",
	},
	fault.TooLarge: {
		Summary: "Answer too large",
		Cause: fmt.Sprintf("An answer is over the limit for its kind: %s and %s layers or children for a manifest, %s for an image configuration, "+
			"%s and %s entries for one page of a list, %s referrers and %s entries for a whole list, %s of manifests and %s referrers for a copy. "+
			"Nothing of it was used.",
			mebibytes(oci.MaxManifest), thousands(oci.MaxDescriptors), mebibytes(oci.MaxConfig),
			mebibytes(acr.MaxPageBytes), thousands(acr.MaxPageEntries), thousands(acr.MaxReferrers), thousands(acr.MaxListEntries),
			mebibytes(acr.MaxCopiedManifests), thousands(acr.MaxCopiedReferrers)),
		Remedy: "Narrow a list with `name_regex`, `prefix` or `limit`. Otherwise check that the registry and whatever stands in front of " +
			"it answer correctly; no ordinary image comes near the limit.",
	},
	fault.DigestMismatch: {
		Summary: "Digest mismatch",
		Cause: "The bytes that came are not those that their digest names: they were changed on the way or in the registry. Nothing of " +
			"them was used.",
		Remedy: "Run again. If it stays so, look for a proxy that changes answers, and push the image again.",
	},
	fault.Schema1: {
		Summary: "Docker schema 1 manifest",
		Cause:   "The manifest has Docker's first format, which is deprecated and has no digest that could be pinned.",
		Remedy:  "Build and push the image again with a current client.",
	},
	fault.IncompleteImage: {
		Summary: "Image incomplete",
		Cause: "The manifest is there, but the registry lacks a part that it names: that part was deleted, or the image was never " +
			"pushed whole.",
		Remedy: "Push the image again.",
	},
	fault.MalformedImage: {
		Summary: "Image malformed",
		Cause: "A manifest or configuration is not what the specification asks for. Its bytes are those that its digest names, so it was built or " +
			"pushed like this: neither the registry nor the network has changed it.",
		Remedy: "Build the image again with a current client and push it, or tell whoever made it what the error says.",
	},
	fault.PlatformNotFound: {
		Summary: "Platform not found",
		Cause:   "The image is not there for the platform, or is an index while no `platform` was given.",
		Remedy: "Set `platform` to one that the error names. Of an index that names none, set `digest` to that of the child, and leave `platform` out; so " +
			"too for an image whose configuration does not say what it is for.",
	},
	fault.NotAnImage: {
		Summary: "Not a container image",
		Cause:   "The manifest is an artifact, such as a chart or a signature, without the configuration that an image has.",
		Remedy:  "Read it with `acr_manifest`, which reads any manifest.",
	},
	fault.SignInUnavailable: {
		Summary: "Sign-in service unavailable",
		Cause: "The service that signs in, or that gives the federated token to sign in with, could not be reached or answers with a fault of " +
			"its own, at every attempt.",
		Remedy: "Check the network between this machine and the host that the error names; behind a proxy, HTTPS_PROXY must be set. Otherwise run again later.",
	},
	fault.SignInRefused: {
		Summary: "Entra ID refused to sign in",
		Cause: "Entra ID does not take what was shown for the identity: the secret or certificate is wrong, expired or another application's, the " +
			"application is not known in the tenant, or no federated credential of it fits the token's issuer, subject and audience.",
		Remedy: "Look the AADSTS number up at https://login.microsoftonline.com/error. Check `tenant_id`, `client_id` and what goes with them, in the " +
			"provider block and in the ARM_ variables. For a federated token, compare the subject in the federated credential with that of the " +
			"pipeline, letter by letter.",
	},
	fault.NoFederatedToken: {
		Summary: "No federated token",
		Cause:   "`use_oidc` or `use_aks_workload_identity` asks for a federated token, and none is given nor to be had from the CI server.",
		Remedy: "On GitHub, give the job `permissions: id-token: write`. On Azure DevOps, map `SYSTEM_ACCESSTOKEN: $(System.AccessToken)` and set " +
			"ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID to the service connection's id. On HCP Terraform, set TFC_AZURE_PROVIDER_AUTH. Elsewhere give " +
			"`oidc_token` or `oidc_token_file_path`.",
	},
	fault.FederatedTokenExpired: {
		Summary: "Federated token expired",
		Cause:   "Entra ID refuses the federated token (AADSTS700024): it lives a few minutes, and they are over.",
		Remedy: "Let the provider ask for it itself, with GitHub's or Azure DevOps' request variables or a file that is renewed, in place of a " +
			"token that was fetched before. Check this machine's clock.",
	},
	fault.TenantNotFound: {
		Summary: "Tenant not found",
		Cause:   "Entra ID does not know the tenant (AADSTS90002): its id is wrong, or it is one of another cloud.",
		Remedy: "Check `tenant_id` and ARM_TENANT_ID: it is the tenant of the registry's subscription. For a registry in Azure China or US Government, set " +
			"`environment` or ARM_ENVIRONMENT to `china` or `usgovernment`.",
	},
	fault.AudienceUnknown: {
		Summary: "Audience unknown to Entra ID",
		Cause:   "The tenant or cloud has no such audience to make a token for (AADSTS500011, AADSTS50001).",
		Remedy: "Leave `entra_audience` and ACR_ENTRA_AUDIENCE out: the default fits every registry in Azure's clouds, and a registry's own name is never an " +
			"audience. In a cloud that lacks it, such as Azure Local, name the audience of its Azure Resource Manager.",
	},
	fault.NoManagedIdentity: {
		Summary: "No managed identity",
		Cause:   "`use_msi` asks for a managed identity, and this machine has none, or not the one that `client_id` names, or does not run on Azure.",
		Remedy: "Give the machine an identity. Where it has several, or a user-assigned one alone, set `client_id` or ARM_CLIENT_ID to the one to use. On " +
			"Azure Arc, let the user that runs Terraform be in the group himds.",
	},
	fault.AzureCLIMissing: {
		Summary: "Azure CLI missing",
		Cause:   "`use_cli` asks for the Azure CLI's session, and there is no `az` on PATH.",
		Remedy:  "Install the Azure CLI and sign in with `az login`, or name another way to sign in.",
	},
	fault.AzureCLISignedOut: {
		Summary: "Azure CLI signed out",
		Cause:   "The Azure CLI has no session, or one that has expired or needs a further factor.",
		Remedy:  "Sign in with `az login --tenant` and the registry's tenant, and run again.",
	},
	fault.AzureCLITimedOut: {
		Summary: "Azure CLI does not answer",
		Cause:   "The Azure CLI did not end within `request_timeout`. It may wait for the network, or for another of its own processes.",
		Remedy:  "Run `az account get-access-token` by hand. Raise `request_timeout`, or set `use_cli = false` and name another way to sign in.",
	},
	fault.AzureCLIFailed: {
		Summary: "Azure CLI failed",
		Cause:   "The Azure CLI brought no token. What it wrote is not shown, since it may hold one.",
		Remedy: "Run `az account get-access-token --resource https://containerregistry.azure.net` by hand and read what it says. Or set `use_cli = false` and " +
			"name another way to sign in.",
	},
	fault.ExchangeRefused: {
		Summary: "Registry refused the identity",
		Cause: "Entra ID signed the identity in, but the registry takes no token of it. The identity has no role on the registry, or comes from another " +
			"tenant than the registry's. Or the token is for another audience while the registry takes its own alone.",
		Remedy: "Give the identity a role: AcrPull, or Container Registry Repository Reader on a registry with ABAC permissions; it takes some minutes to " +
			"count. Check that `tenant_id` is the registry's tenant, and leave `entra_audience` out. To read anonymously while the Azure CLI is signed " +
			"in, set `use_cli = false`.",
	},
	fault.NotSignedIn: {
		Summary: "Not signed in with Entra ID",
		Cause: "`acr_login` hands out a refresh token that was had with an identity of Entra ID. The provider signs in in another way, with which there is " +
			"nothing to hand out that the caller lacks, or not at all.",
		Remedy: "Name an identity in the provider block, such as with `use_oidc`, `use_msi` or `use_cli`. With a user name and a password, hand those on, or " +
			"take `acr_bearer_token`.",
	},
	fault.NoExchange: {
		Summary: "Registry knows no Entra ID",
		Cause:   "The registry has no exchange for tokens of Entra ID: it is not on Azure, or it is a connected registry, which knows its own tokens alone.",
		Remedy:  "Give a user name and a password, such as those of a client token of the connected registry. Or check `registry`.",
	},
}

// mebibytes writes a limit in bytes.
func mebibytes(bytes int) string { return fmt.Sprintf("%d MiB", bytes>>20) }

// thousands writes a number with commas, as in 4,000.
func thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
