package acrtest

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The lifetimes of Azure Container Registry's tokens.
const (
	accessTokenLifetime  = 4500 * time.Second
	refreshTokenLifetime = 11700 * time.Second
)

// TokenUser is the user name that goes with a refresh or access token as the password, which people use who signed in
// with Entra ID.
const TokenUser = "00000000-0000-0000-0000-000000000000"

// The values of a token's grant_type claim.
const (
	grantAccess  = "access_token"
	grantRefresh = "refresh_token"
)

// What is wrong with a credential at the token endpoint.
var (
	errWrongPassword = errors.New("wrong user name or password")
	errLineBreak     = errors.New("the password ends in a line break")
)

// RevokeTokens makes every token issued so far invalid, including refresh tokens, as a registry does when it is
// switched to ABAC permissions (Microsoft's container-registry-rbac-abac-repository-permissions). A request with a
// revoked one gets 401 with error="invalid_token".
func (r *Registry) RevokeTokens() { r.tokens.revoke() }

// serveToken answers GET /oauth2/token with Basic or no credentials, and POST with a form.
func (r *Registry) serveToken(w http.ResponseWriter, req *http.Request) {
	bareHeaders(w)
	switch req.Method {
	case http.MethodGet:
		r.serveTokenGet(w, req)
	case http.MethodPost:
		r.serveTokenPost(w, req)
	default:
		writeError(w, http.StatusMethodNotAllowed, apiError{Code: "UNSUPPORTED", Message: "The operation is unsupported."})
	}
}

func (r *Registry) serveTokenGet(w http.ResponseWriter, req *http.Request) {
	asked, reason := tokenRequest(req.URL.Query())
	if reason != "" {
		writeError(w, http.StatusBadRequest, apiError{Code: "BAD_REQUEST", Message: reason})
		return
	}
	user, password, hasBasic := req.BasicAuth()
	if !hasBasic && !r.options.AnonymousPull {
		refuseCredential(w)
		return
	}
	if hasBasic {
		switch err := r.checkPassword(req, user, password); {
		case errors.Is(err, errLineBreak):
			w.WriteHeader(http.StatusInternalServerError)
			return
		case err != nil:
			refuseCredential(w)
			return
		}
	}
	// It was recorded with a role for a password, and without one for a refresh token.
	r.writeAccessToken(w, r.userBehind(req, user, password), asked, "Owner")
}

// serveTokenPost answers the two forms that were recorded: a refresh token, and "password" without one, with which
// anonymous clients ask. The latter always get a token, which grants nothing if nothing is public.
func (r *Registry) serveTokenPost(w http.ResponseWriter, req *http.Request) {
	form := formOf(req)
	asked, reason := tokenRequest(form)
	if reason != "" {
		refuseForm(w)
		return
	}
	switch form.Get("grant_type") {
	case "password":
		if form.Get("username") != "" || form.Get("password") != "" {
			refuseToken(w)
			return
		}
		r.writeAccessToken(w, "", asked)
	case grantRefresh:
		claims, err := r.tokens.verify(form.Get("refresh_token"), r.serviceName(req), r.options.Clock())
		if err != nil || claims.GrantType != grantRefresh {
			refuseToken(w)
			return
		}
		r.writeAccessToken(w, claims.Subject, asked)
	default:
		refuseForm(w)
	}
}

// formOf returns the form in the body of a POST. It is empty if it cannot be parsed.
func formOf(req *http.Request) url.Values {
	_ = req.ParseForm()
	return req.PostForm
}

// asked is what a token is requested for.
type asked struct {
	service string
	scopes  []permission
}

// tokenRequest reads service and scope, the latter repeated or space-joined (RFC 6749 section 3.3), or the error. An
// empty scope is refused: it must be left out.
func tokenRequest(form url.Values) (a asked, reason string) {
	a.service = strings.Join(form["service"], "")
	if a.service == "" {
		return asked{}, "the service is missing"
	}
	for _, value := range form["scope"] {
		fields := strings.Fields(value)
		if len(fields) == 0 {
			return asked{}, "the scope is empty"
		}
		for _, field := range fields {
			scope, ok := parseScope(field)
			if !ok {
				return asked{}, "the scope is malformed"
			}
			a.scopes = append(a.scopes, scope)
		}
	}
	return a, ""
}

// writeAccessToken issues a token for the requested actions that the user may do, with 200 even if there are none.
func (r *Registry) writeAccessToken(w http.ResponseWriter, user string, a asked, roles ...string) {
	c := r.claims(user, a.service, grantAccess, r.options.TokenLifetime)
	c.Roles = append(c.Roles, roles...)
	c.Access = []permission{}
	for _, scope := range a.scopes {
		if granted := r.grant(user, scope); len(granted.Actions) > 0 {
			c.Access = append(c.Access, granted)
		}
	}
	writeToken(w, r.options.TokenField, r.tokens.issue(c, r.options.OpaqueTokens))
}

// writeToken sends an answer with the token as its only member.
func writeToken(w http.ResponseWriter, member, token string) {
	w.Header().Set("Content-Type", jsonContentType)
	w.Header().Set("X-Ms-Ratelimit-Remaining-Calls-Per-Second", "166.65")
	w.WriteHeader(http.StatusOK)
	// Flushed before the body, the answer is chunked, as the recorded ones are.
	_ = http.NewResponseController(w).Flush()
	_, _ = w.Write([]byte(`{"` + member + `":"` + token + `"}`))
}

// refuseToken sends the answer to a refresh token or an Entra token that is not accepted: empty and without a
// challenge, as recorded.
func refuseToken(w http.ResponseWriter) { writeEmpty(w, http.StatusUnauthorized) }

// refuseForm sends the answer to a form that lacks something: empty, without even a correlation id, as recorded.
func refuseForm(w http.ResponseWriter) {
	w.Header().Del("X-Ms-Correlation-Request-Id")
	writeEmpty(w, http.StatusBadRequest)
}

func refuseCredential(w http.ResponseWriter) {
	writeError(w, http.StatusUnauthorized, apiError{
		Code:    "UNAUTHORIZED",
		Message: authenticationRequired + " CorrelationId: " + w.Header().Get("X-Ms-Correlation-Request-Id"),
	})
}

// checkPassword returns nil for a credential that the registry accepts.
func (r *Registry) checkPassword(req *http.Request, user, password string) error {
	if strings.HasSuffix(password, "\n") {
		return errLineBreak
	}
	if user == TokenUser {
		_, err := r.tokens.verify(password, r.serviceName(req), r.options.Clock())
		return err
	}
	want, known := r.options.Users[user]
	if !known || subtle.ConstantTimeCompare([]byte(want), []byte(password)) != 1 {
		return errWrongPassword
	}
	return nil
}

// userBehind returns the user of a checked credential: with TokenUser, the one that the token was issued to.
func (r *Registry) userBehind(req *http.Request, user, password string) string {
	if user != TokenUser {
		return user
	}
	claims, err := r.tokens.verify(password, r.serviceName(req), r.options.Clock())
	if err != nil {
		return ""
	}
	return claims.Subject
}

// grant returns the part of a scope that a user may have; "" is the anonymous user.
func (r *Registry) grant(user string, scope permission) permission {
	if user == "" && !r.options.AnonymousPull {
		return scope.within(nil)
	}
	if user == "" {
		return scope.within([]permission{
			{"repository", "*", []string{"pull", "metadata_read"}},
			{"registry", "catalog", []string{"*"}},
		})
	}
	limited, ok := r.options.Grants[user]
	if !ok {
		return scope
	}
	var grants []permission
	for _, text := range limited {
		if granted, ok := parseScope(text); ok {
			grants = append(grants, granted)
		}
	}
	return scope.within(grants)
}

// claims returns the claims that every token of the registry has.
func (r *Registry) claims(user, service, grantType string, lifetime time.Duration) claims {
	now := r.options.Clock()
	return claims{
		ID:        newGUID(),
		Subject:   user,
		NotBefore: now.Unix(),
		Expires:   now.Add(lifetime).Unix(),
		IssuedAt:  now.Unix(),
		Issuer:    "Azure Container Registry",
		Audience:  service,
		Version:   "1.0",
		Registry:  registryID,
		Roles:     []string{},
		GrantType: grantType,
	}
}
