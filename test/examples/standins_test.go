package examples

import (
	"context"
	"io"
	"net/http"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// standIns have what the examples use of other providers: the names, types and nesting that those providers'
// documentation lists, so that a misspelled or misplaced argument fails. Their resources do nothing.
var standIns = map[string]*standIn{
	"azurerm": {
		provider: block{nested: nested{"features": {}}},
		resources: map[string]block{
			"azurerm_container_app": {
				text: words{"name", "container_app_environment_id", "resource_group_name", "revision_mode"},
				nested: nested{
					"identity": {text: words{"type"}, texts: words{"identity_ids"}},
					"registry": {text: words{"server", "identity"}},
					"template": {nested: nested{
						"container": {text: words{"name", "image", "memory"}, numbers: words{"cpu"}},
					}},
				},
			},
			"azurerm_linux_web_app": {
				text: words{"name", "resource_group_name", "location", "service_plan_id"},
				nested: nested{
					"identity": {text: words{"type"}},
					"site_config": {
						flags:  words{"container_registry_use_managed_identity"},
						nested: nested{"application_stack": {text: words{"docker_registry_url", "docker_image_name"}}},
					},
				},
			},
		},
		dataSources: map[string]dataSource{
			"azurerm_container_registry": {
				block: block{text: words{"name", "resource_group_name"}, computed: words{"login_server"}},
				read: func(_ context.Context, config attributes) (attributes, error) {
					return attributes{"login_server": tftypes.NewValue(tftypes.String, config.text("name")+".azurecr.io")}, nil
				},
			},
		},
	},
	"docker": {
		provider:  block{nested: nested{"registry_auth": {text: words{"address", "username", "password"}}}},
		resources: map[string]block{"docker_image": {text: words{"name"}}},
	},
	"helm": {
		provider:  block{objects: map[string]words{"registries": {"url", "username", "password"}}},
		resources: map[string]block{"helm_release": {text: words{"name", "repository", "chart", "version"}}},
	},
	"http": {
		dataSources: map[string]dataSource{
			"http": {
				block: block{text: words{"url"}, maps: words{"request_headers"}, computed: words{"response_body"}},
				read:  get,
			},
		},
	},
	"kubernetes": {
		resources: map[string]block{
			"kubernetes_deployment_v1": {nested: nested{
				"metadata": {text: words{"name"}},
				"spec": {
					numbers: words{"replicas"},
					nested: nested{
						"selector": {maps: words{"match_labels"}},
						"template": {nested: nested{
							"metadata": {maps: words{"labels"}},
							"spec":     {nested: nested{"container": {text: words{"name", "image"}}}},
						}},
					},
				},
			}},
			"kubernetes_secret_v1": {
				text:      words{"type"},
				numbers:   words{"data_wo_revision"},
				writeOnly: words{"data_wo"},
				nested:    nested{"metadata": {text: words{"name"}}},
			},
		},
	},
}

// get does what data "http" does.
func get(ctx context.Context, config attributes) (attributes, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, config.text("url"), nil)
	if err != nil {
		return nil, err
	}
	var headers map[string]tftypes.Value
	if err := config["request_headers"].As(&headers); err != nil {
		return nil, err
	}
	for name := range headers {
		req.Header.Set(name, attributes(headers).text(name))
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return attributes{"response_body": tftypes.NewValue(tftypes.String, string(body))}, err
}

// block is a schema: the names of its arguments by type, and the blocks in it. All are optional.
type block struct {
	text, numbers, flags, texts, maps words
	objects                           map[string]words // lists of objects of strings
	writeOnly                         words            // maps of strings
	computed                          words            // strings
	nested                            nested
}

type (
	words  []string
	nested map[string]block
)

func (b block) schema() *tfprotov6.SchemaBlock {
	var schema tfprotov6.SchemaBlock
	add := func(kind tftypes.Type, names words) {
		for _, name := range names {
			schema.Attributes = append(schema.Attributes, &tfprotov6.SchemaAttribute{Name: name, Type: kind, Optional: true})
		}
	}
	add(tftypes.String, b.text)
	add(tftypes.Number, b.numbers)
	add(tftypes.Bool, b.flags)
	add(tftypes.List{ElementType: tftypes.String}, b.texts)
	add(tftypes.Map{ElementType: tftypes.String}, b.maps)
	for name, fields := range b.objects {
		object := tftypes.Object{AttributeTypes: map[string]tftypes.Type{}}
		for _, field := range fields {
			object.AttributeTypes[field] = tftypes.String
		}
		add(tftypes.List{ElementType: object}, words{name})
	}
	for _, name := range b.writeOnly {
		schema.Attributes = append(schema.Attributes, &tfprotov6.SchemaAttribute{
			Name: name, Type: tftypes.Map{ElementType: tftypes.String}, Optional: true, WriteOnly: true,
		})
	}
	for _, name := range b.computed {
		schema.Attributes = append(schema.Attributes, &tfprotov6.SchemaAttribute{Name: name, Type: tftypes.String, Computed: true})
	}
	for name, inner := range b.nested {
		schema.BlockTypes = append(schema.BlockTypes, &tfprotov6.SchemaNestedBlock{
			TypeName: name, Nesting: tfprotov6.SchemaNestedBlockNestingModeList, Block: inner.schema(),
		})
	}
	return &schema
}

// dataSource has a schema, and a function that returns its computed attributes.
type dataSource struct {
	block
	read func(ctx context.Context, config attributes) (attributes, error)
}

type attributes map[string]tftypes.Value

func (a attributes) text(name string) string {
	var text string
	_ = a[name].As(&text)
	return text
}

// standIn is a provider. The interface that it embeds is nil: the methods below are those that Terraform calls.
type standIn struct {
	tfprotov6.ProviderServer
	provider    block
	resources   map[string]block
	dataSources map[string]dataSource
}

func (s *standIn) GetMetadata(context.Context, *tfprotov6.GetMetadataRequest) (*tfprotov6.GetMetadataResponse, error) {
	return &tfprotov6.GetMetadataResponse{}, nil
}

func (s *standIn) GetProviderSchema(context.Context, *tfprotov6.GetProviderSchemaRequest) (*tfprotov6.GetProviderSchemaResponse, error) {
	answer := &tfprotov6.GetProviderSchemaResponse{
		Provider:          &tfprotov6.Schema{Block: s.provider.schema()},
		ResourceSchemas:   map[string]*tfprotov6.Schema{},
		DataSourceSchemas: map[string]*tfprotov6.Schema{},
	}
	for name, resource := range s.resources {
		answer.ResourceSchemas[name] = &tfprotov6.Schema{Block: resource.schema()}
	}
	for name, source := range s.dataSources {
		answer.DataSourceSchemas[name] = &tfprotov6.Schema{Block: source.schema()}
	}
	return answer, nil
}

func (s *standIn) GetResourceIdentitySchemas(context.Context, *tfprotov6.GetResourceIdentitySchemasRequest) (*tfprotov6.GetResourceIdentitySchemasResponse, error) {
	return &tfprotov6.GetResourceIdentitySchemasResponse{}, nil
}

func (s *standIn) ValidateProviderConfig(_ context.Context, req *tfprotov6.ValidateProviderConfigRequest) (*tfprotov6.ValidateProviderConfigResponse, error) {
	return &tfprotov6.ValidateProviderConfigResponse{PreparedConfig: req.Config}, nil
}

func (s *standIn) ConfigureProvider(context.Context, *tfprotov6.ConfigureProviderRequest) (*tfprotov6.ConfigureProviderResponse, error) {
	return &tfprotov6.ConfigureProviderResponse{}, nil
}

func (s *standIn) StopProvider(context.Context, *tfprotov6.StopProviderRequest) (*tfprotov6.StopProviderResponse, error) {
	return &tfprotov6.StopProviderResponse{}, nil
}

func (s *standIn) ValidateResourceConfig(context.Context, *tfprotov6.ValidateResourceConfigRequest) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return &tfprotov6.ValidateResourceConfigResponse{}, nil
}

func (s *standIn) ValidateDataResourceConfig(context.Context, *tfprotov6.ValidateDataResourceConfigRequest) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return &tfprotov6.ValidateDataResourceConfigResponse{}, nil
}

// PlanResourceChange plans what is configured, without what is write-only.
func (s *standIn) PlanResourceChange(_ context.Context, req *tfprotov6.PlanResourceChangeRequest) (*tfprotov6.PlanResourceChangeResponse, error) {
	resource := s.resources[req.TypeName]
	kind := (&tfprotov6.Schema{Block: resource.schema()}).ValueType()
	proposed, err := decode(kind, req.ProposedNewState)
	if err != nil || proposed == nil {
		return &tfprotov6.PlanResourceChangeResponse{PlannedState: req.ProposedNewState}, err
	}
	for _, name := range resource.writeOnly {
		proposed[name] = tftypes.NewValue(proposed[name].Type(), nil)
	}
	planned, err := encode(kind, proposed)
	return &tfprotov6.PlanResourceChangeResponse{PlannedState: planned}, err
}

func (s *standIn) ApplyResourceChange(_ context.Context, req *tfprotov6.ApplyResourceChangeRequest) (*tfprotov6.ApplyResourceChangeResponse, error) {
	return &tfprotov6.ApplyResourceChangeResponse{NewState: req.PlannedState}, nil
}

func (s *standIn) ReadDataSource(ctx context.Context, req *tfprotov6.ReadDataSourceRequest) (*tfprotov6.ReadDataSourceResponse, error) {
	source := s.dataSources[req.TypeName]
	kind := (&tfprotov6.Schema{Block: source.schema()}).ValueType()
	config, err := decode(kind, req.Config)
	if err != nil {
		return nil, err
	}
	read, err := source.read(ctx, config)
	if err != nil {
		return nil, err
	}
	for name, value := range read {
		config[name] = value
	}
	state, err := encode(kind, config)
	return &tfprotov6.ReadDataSourceResponse{State: state}, err
}

func decode(kind tftypes.Type, value *tfprotov6.DynamicValue) (attributes, error) {
	decoded, err := value.Unmarshal(kind)
	if err != nil || decoded.IsNull() {
		return nil, err
	}
	var read map[string]tftypes.Value
	err = decoded.As(&read)
	return read, err
}

func encode(kind tftypes.Type, value attributes) (*tfprotov6.DynamicValue, error) {
	encoded, err := tfprotov6.NewDynamicValue(kind, tftypes.NewValue(kind, map[string]tftypes.Value(value)))
	return &encoded, err
}
