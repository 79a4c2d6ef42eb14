package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth/entra"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// signInModel is the part of the provider block about Entra ID. Names and variables are those of the azurerm provider.
type signInModel struct {
	TenantID                  types.String `tfsdk:"tenant_id"`
	ClientID                  types.String `tfsdk:"client_id"`
	ClientSecret              types.String `tfsdk:"client_secret"`
	ClientCertificatePath     types.String `tfsdk:"client_certificate_path"`
	ClientCertificatePassword types.String `tfsdk:"client_certificate_password"`
	UseOIDC                   types.Bool   `tfsdk:"use_oidc"`
	OIDCToken                 types.String `tfsdk:"oidc_token"`
	OIDCTokenFilePath         types.String `tfsdk:"oidc_token_file_path"`
	UseMSI                    types.Bool   `tfsdk:"use_msi"`
	UseCLI                    types.Bool   `tfsdk:"use_cli"`
	UseAKSWorkloadIdentity    types.Bool   `tfsdk:"use_aks_workload_identity"`
	Environment               types.String `tfsdk:"environment"`
	EntraAudience             types.String `tfsdk:"entra_audience"`
}

func (m signInModel) entraBlock() entra.Block {
	return entra.Block{
		TenantID:                  m.TenantID.ValueString(),
		ClientID:                  m.ClientID.ValueString(),
		ClientSecret:              secret.New(m.ClientSecret.ValueString()),
		ClientCertificatePath:     m.ClientCertificatePath.ValueString(),
		ClientCertificatePassword: secret.New(m.ClientCertificatePassword.ValueString()),
		UseOIDC:                   m.UseOIDC.ValueBoolPointer(),
		OIDCToken:                 secret.New(m.OIDCToken.ValueString()),
		OIDCTokenFilePath:         m.OIDCTokenFilePath.ValueString(),
		UseMSI:                    m.UseMSI.ValueBoolPointer(),
		UseCLI:                    m.UseCLI.ValueBoolPointer(),
		UseAKSWorkloadIdentity:    m.UseAKSWorkloadIdentity.ValueBoolPointer(),
		Environment:               m.Environment.ValueString(),
		Audience:                  m.EntraAudience.ValueString(),
	}
}

// signInAttributes returns the schema of signInModel.
func signInAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"tenant_id": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "Tenant of Entra ID to sign in to, that of the registry's subscription. Environment: `ARM_TENANT_ID`.",
		},
		"client_id": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Client id of the service principal or of the user-assigned identity to sign in as. Environment: `ARM_CLIENT_ID`, or " +
				"the file that `ARM_CLIENT_ID_FILE_PATH` names.",
		},
		"client_secret": schema.StringAttribute{
			Optional: true, Sensitive: true,
			MarkdownDescription: "Secret of the service principal to sign in as. Environment: `ARM_CLIENT_SECRET`, or the file that " +
				"`ARM_CLIENT_SECRET_FILE_PATH` names.",
		},
		"client_certificate_path": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "File with the certificate and the private key of the service principal to sign in as, PKCS#12 or PEM. Environment: " +
				"`ARM_CLIENT_CERTIFICATE_PATH`, or the content in base64 in `ARM_CLIENT_CERTIFICATE`.",
		},
		"client_certificate_password": schema.StringAttribute{
			Optional: true, Sensitive: true,
			MarkdownDescription: "Password of a PKCS#12 file. Environment: `ARM_CLIENT_CERTIFICATE_PASSWORD`.",
		},
		"use_oidc": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Signs in with a federated token: `oidc_token` or `oidc_token_file_path`, or else one from Azure DevOps or " +
				"GitHub Actions, found by their variables. Environment: `ARM_USE_OIDC`. Default: `false`.",
		},
		"oidc_token": schema.StringAttribute{
			Optional: true, Sensitive: true,
			MarkdownDescription: "Federated token. Environment: `ARM_OIDC_TOKEN`, or HCP Terraform's `TFC_WORKLOAD_IDENTITY_TOKEN`.",
		},
		"oidc_token_file_path": schema.StringAttribute{
			Optional:            true,
			MarkdownDescription: "File with a federated token, read again at each sign-in. Environment: `ARM_OIDC_TOKEN_FILE_PATH`.",
		},
		"use_msi": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Signs in as the managed identity of the machine: of a virtual machine, App Service, Container Apps, Azure " +
				"Arc and others. If it has several, `client_id` names one. Environment: `ARM_USE_MSI`; `ARM_MSI_ENDPOINT` replaces the " +
				"endpoint of virtual machines. Default: `false`.",
		},
		"use_cli": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Uses the session of the Azure CLI. Unless it is `false`, the provider uses it for an Azure registry if " +
				"`az` is on PATH and nothing else is set. Environment: `ARM_USE_CLI`. Default: `true`.",
		},
		"use_aks_workload_identity": schema.BoolAttribute{
			Optional: true,
			MarkdownDescription: "Signs in as the workload identity of a pod on AKS, found by `AZURE_CLIENT_ID`, `AZURE_TENANT_ID` and " +
				"`AZURE_FEDERATED_TOKEN_FILE`. Environment: `ARM_USE_AKS_WORKLOAD_IDENTITY`. Default: `false`.",
		},
		"environment": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Cloud to sign in to: `public`, `usgovernment` or `china`. Environment: `ARM_ENVIRONMENT`. Default: the cloud of a " +
				"`registry` that ends with `azurecr.io`, `azurecr.us` or `azurecr.cn`, else `public`.",
			Validators: []validator.String{environmentSyntax},
		},
		"entra_audience": schema.StringAttribute{
			Optional: true,
			MarkdownDescription: "Audience of the token for the registry. The default fits every registry in Azure's clouds. Set another " +
				"where the default is unknown, such as on Azure Local. Environment: `ACR_ENTRA_AUDIENCE`. Default: `" + entra.DefaultAudience + "`.",
			Validators: []validator.String{audienceSyntax},
		},
	}
}
