package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/acrkit/terraform-provider-acr/internal/acr/auth"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/acrtest"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/secretscan"
	"github.com/acrkit/terraform-provider-acr/internal/testkit/terraform"
)

// shownTokens returns the bearer tokens that the registry was shown, each once, in the order of their first use.
func shownTokens(registry *acrtest.Registry) []string {
	var tokens []string
	for _, request := range registry.Requests() {
		token, isBearer := strings.CutPrefix(request.Header.Get("Authorization"), "Bearer ")
		if isBearer && !slices.Contains(tokens, token) {
			tokens = append(tokens, token)
		}
	}
	return tokens
}

// wantNoToken returns an error where the workspace, and so the state, holds a token.
func wantNoToken(workspace *terraform.Workspace, registry *acrtest.Registry) error {
	secrets := map[string]string{}
	for i, token := range shownTokens(registry) {
		secrets[fmt.Sprintf("token %d", i+1)] = token
	}
	findings, err := secretscan.Folder(workspace.Folder, secrets)
	if len(findings) > 0 {
		return errors.New(strings.Join(findings, "; "))
	}
	return err
}

// tokenRows describe the tokens by their own claims: the scope, and when they expire.
func tokenRows(registry *acrtest.Registry) ([][]string, error) {
	var rows [][]string
	for _, token := range shownTokens(registry) {
		claims, err := auth.ParseClaims(secret.New(token))
		if err != nil {
			return nil, err
		}
		for _, access := range claims.Access {
			rows = append(rows, []string{
				access.Type + ":" + access.Name + ":" + strings.Join(access.Actions, ","),
				"expires " + claims.ExpiresAt.UTC().Format("2006-01-02 15:04 MST"),
			})
		}
	}
	return rows, nil
}
