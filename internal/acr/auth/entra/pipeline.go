package entra

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// ciServer is a CI server that issues a federated token to a pipeline's job.
type ciServer struct {
	name   string // for errors
	method string
	url    *url.URL
	bearer secret.Text // the job's own token
	member string      // of the JSON answer, which holds the federated token
}

// github returns GitHub Actions. A URL that names an audience keeps it. Source: GitHub, "OpenID Connect reference",
// "Methods for requesting the OIDC token".
func github(target *url.URL, bearer secret.Text) ciServer {
	if !target.Query().Has("audience") {
		target = withQuery(target, "audience", "api://AzureADTokenExchange")
	}
	return ciServer{"GitHub Actions", http.MethodGet, target, bearer, "value"}
}

// azureDevOps returns Azure DevOps, for a service connection of the pipeline's project. Source: Microsoft, "Azure
// DevOps Services REST API", "Oidctoken - Create".
func azureDevOps(target *url.URL, bearer secret.Text, serviceConnection string) ciServer {
	target = withQuery(target, "api-version", "7.1", "serviceConnectionId", serviceConnection)
	return ciServer{"Azure DevOps", http.MethodPost, target, bearer, "oidcToken"}
}

// withQuery returns a copy of the URL with more parameters, names and values in turn.
func withQuery(target *url.URL, parameters ...string) *url.URL {
	query := target.Query()
	for pair := range slices.Chunk(parameters, 2) {
		query.Set(pair[0], pair[1])
	}
	extended := *target
	extended.RawQuery = query.Encode()
	return &extended
}

// pipeline returns the CI server that the environment names. The one with a service connection is Azure DevOps.
func (s settings) pipeline(attribute string) (issuer, error) {
	address := s.variable("use_oidc", requestURLVariables...)
	bearer := s.variable("use_oidc", requestTokenVariables...)
	connection := s.variable("use_oidc", serviceConnectionVariables...)
	switch {
	case address.IsZero() && bearer.IsZero():
		return nil, noFederatedToken(attribute, "none of these variables is set: "+
			strings.Join(slices.Concat(variables["oidc_token"], variables["oidc_token_file_path"], []string{workspaceTokenVariable}, requestURLVariables), ", "))
	case address.IsZero():
		return nil, noFederatedToken(attribute, bearer.variable+" is set, but none of "+strings.Join(requestURLVariables, ", "))
	case bearer.IsZero():
		return nil, noFederatedToken(attribute, address.variable+" is set, but none of "+strings.Join(requestTokenVariables, ", "))
	case connection.IsZero() && address.Reveal() == s.variable("", azureDevOpsURLVariable).Reveal():
		return nil, noFederatedToken(attribute, "Azure DevOps needs the service connection, and none of "+
			strings.Join(serviceConnectionVariables, ", ")+" is set")
	}
	target, err := parseURL(address.Reveal())
	if err != nil || target.Scheme != "https" {
		return nil, address.invalid("is not an https URL")
	}
	if !connection.IsZero() {
		return azureDevOps(target, bearer.Text, connection.Reveal()), nil
	}
	return github(target, bearer.Text), nil
}

// parseURL returns an absolute http(s) URL with a host and without a user name.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		return nil, errors.New("not an http(s) URL with a host")
	}
	return u, nil
}

func (c ciServer) token(ctx context.Context, via Connection) (secret.Text, error) {
	request, err := http.NewRequestWithContext(ctx, c.method, c.url.String(), nil)
	if err != nil {
		return secret.Text{}, c.refused(0, "the request cannot be made")
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.bearer.Reveal())
	request.Header.Set("Content-Type", "application/json")
	// Without this header, Azure DevOps answers a bad token with a redirect to a web page. GitHub ignores it.
	request.Header.Set("X-TFS-FedAuthRedirect", "Suppress")
	answer, err := via.Transport.Do(request)
	if err != nil {
		return secret.Text{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return secret.Text{}, c.refused(answer.StatusCode, "the answer broke off")
	}
	if answer.StatusCode != http.StatusOK {
		return secret.Text{}, c.refused(answer.StatusCode, "")
	}
	var members map[string]any
	if err := json.Unmarshal(body, &members); err != nil {
		return secret.Text{}, c.refused(answer.StatusCode, "the answer is not a JSON object")
	}
	token, _ := members[c.member].(string)
	if token == "" {
		return secret.Text{}, c.refused(answer.StatusCode, fmt.Sprintf("the answer has no %q", c.member))
	}
	return secret.New(token), nil
}

func (c ciServer) refused(status int, detail string) *fault.Error {
	return &fault.Error{Reason: fault.NoFederatedToken, Step: "asking " + c.String() + " for a federated token", Status: status, Detail: detail}
}

func (c ciServer) secrets() []secret.Text { return []secret.Text{c.bearer} }

// String names the server with its host, which the environment chose.
func (c ciServer) String() string { return c.name + " at " + secret.Excerpt(c.url.Host) }
