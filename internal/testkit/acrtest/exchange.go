package acrtest

import "net/http"

// serveExchange answers POST /oauth2/exchange: an access token of Entra ID becomes a refresh token of this registry.
// The form has grant_type "access_token", service and access_token; tenant is optional and has no effect. Any other
// method is 404, as Azure/acr issue 166 reports of GET.
func (r *Registry) serveExchange(w http.ResponseWriter, req *http.Request) {
	if r.options.WithoutExchange || req.Method != http.MethodPost {
		pageNotFound(w)
		return
	}
	bareHeaders(w)
	form := formOf(req)
	if form.Get("grant_type") != grantAccess || form.Get("access_token") == "" || form.Get("service") == "" {
		refuseForm(w)
		return
	}
	identity := ""
	if r.options.Entra != nil && form.Get("service") == r.serviceName(req) {
		identity = r.options.Entra(form.Get("access_token"))
	}
	if identity == "" {
		refuseToken(w)
		return
	}
	writeToken(w, "refresh_token", r.refreshToken(identity, r.serviceName(req)))
}

// RefreshToken issues a refresh token of a user for this registry, as the
// exchange does, to be used as TokenUser's password or in POST /oauth2/token.
func (r *Registry) RefreshToken(user string) string {
	service := r.options.ServiceName
	if service == "" {
		service = r.Host()
	}
	return r.refreshToken(user, service)
}

// refreshToken lists the same actions as the recorded ones, whatever the user may do: what matters is what an access
// token for it is granted.
func (r *Registry) refreshToken(user, service string) string {
	c := r.claims(user, service, grantRefresh, refreshTokenLifetime)
	c.Permissions = &permissions{
		Actions:    []string{"read", "write", "delete", "deleted/read", "deleted/restore/action"},
		NotActions: []string{},
	}
	return r.tokens.issue(c, r.options.OpaqueTokens)
}

// permissions are the claim of a refresh token that says what its user may do.
type permissions struct {
	Actions    []string `json:"actions"`
	NotActions []string `json:"notActions"`
}
