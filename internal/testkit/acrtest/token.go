package acrtest

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"time"
)

// The lifetimes that Azure Container Registry gives its tokens.
const (
	accessTokenLifetime  = 4500 * time.Second
	refreshTokenLifetime = 11700 * time.Second
)

// TokenUser is the user name that goes with a refresh or access token as the
// password: how people signed in with Entra ID get in.
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

// RefreshToken issues a refresh token of a user for this registry, to be used
// as TokenUser's password or in POST /oauth2/token.
func (r *Registry) RefreshToken(user string) string {
	service := r.options.ServiceName
	if service == "" {
		service = r.Host()
	}
	return r.issue(user, service, grantRefresh, nil, refreshTokenLifetime)
}

// RevokeTokens makes every token issued so far invalid: a request that bears
// one gets 401 with error="invalid_token".
func (r *Registry) RevokeTokens() { r.tokens.revoke() }

// serveToken answers GET /oauth2/token with Basic or no credentials, and POST
// with a refresh token in a form.
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
	asked, ok := tokenRequest(w, req.URL.Query())
	if !ok {
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
	r.writeToken(w, r.userBehind(req, user, password), asked)
}

func (r *Registry) serveTokenPost(w http.ResponseWriter, req *http.Request) {
	if err := req.ParseForm(); err != nil {
		refuseTokenRequest(w, "the form is unreadable")
		return
	}
	asked, ok := tokenRequest(w, req.PostForm)
	if !ok {
		return
	}
	claims, err := r.tokens.verify(req.PostForm.Get("refresh_token"), r.serviceName(req), r.options.Clock())
	if err != nil || claims.GrantType != grantRefresh || req.PostForm.Get("grant_type") != "refresh_token" {
		// An empty 401 without a challenge, as recorded.
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	r.writeToken(w, claims.Subject, asked)
}

// asked is what a token is asked for.
type asked struct {
	service string
	scopes  []permission
}

// tokenRequest reads service and scope, the latter repeated or space-joined
// (RFC 6749 section 3.3). An empty scope is refused: it has to be left out.
func tokenRequest(w http.ResponseWriter, form map[string][]string) (asked, bool) {
	service := strings.Join(form["service"], "")
	if service == "" {
		refuseTokenRequest(w, "the service is missing")
		return asked{}, false
	}
	a := asked{service: service}
	for _, value := range form["scope"] {
		fields := strings.Fields(value)
		if len(fields) == 0 {
			refuseTokenRequest(w, "the scope is empty")
			return asked{}, false
		}
		for _, field := range fields {
			scope, ok := parseScope(field)
			if !ok {
				refuseTokenRequest(w, "the scope is malformed")
				return asked{}, false
			}
			a.scopes = append(a.scopes, scope)
		}
	}
	return a, true
}

// writeToken issues what the user may have of what was asked for, and says 200
// even where that is nothing.
func (r *Registry) writeToken(w http.ResponseWriter, user string, a asked) {
	access := []permission{}
	for _, scope := range a.scopes {
		if granted := r.grant(user, scope); len(granted.Actions) > 0 {
			access = append(access, granted)
		}
	}
	token := r.issue(user, a.service, grantAccess, access, r.options.TokenLifetime)
	w.Header().Set("Content-Type", jsonContentType)
	w.Header().Set("X-Ms-Ratelimit-Remaining-Calls-Per-Second", "166.65")
	w.WriteHeader(http.StatusOK)
	// Flushed before the body, the answer is chunked, as the recorded ones are.
	_ = http.NewResponseController(w).Flush()
	_, _ = w.Write([]byte(`{"` + r.options.TokenField + `":"` + token + `"}`))
}

func refuseTokenRequest(w http.ResponseWriter, why string) {
	writeError(w, http.StatusBadRequest, apiError{Code: "BAD_REQUEST", Message: why})
}

func refuseCredential(w http.ResponseWriter) {
	writeError(w, http.StatusUnauthorized, apiError{
		Code:    "UNAUTHORIZED",
		Message: authenticationRequired + " CorrelationId: " + w.Header().Get("X-Ms-Correlation-Request-Id"),
	})
}

// checkPassword is nil for a credential that the registry accepts.
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

// userBehind is the user that a checked credential stands for: with TokenUser
// the one that the token was issued to.
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

// grant is the part of a scope that a user may have; "" is the anonymous user.
func (r *Registry) grant(user string, scope permission) permission {
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

// issue makes a token of the registry.
func (r *Registry) issue(user, service, grantType string, access []permission, lifetime time.Duration) string {
	now := r.options.Clock()
	return r.tokens.issue(claims{
		ID:        newGUID(),
		Subject:   user,
		NotBefore: now.Unix(),
		Expires:   now.Add(lifetime).Unix(),
		IssuedAt:  now.Unix(),
		Issuer:    "Azure Container Registry",
		Audience:  service,
		Version:   "1.0",
		Registry:  registryID,
		Access:    access,
		Roles:     []string{"Owner"},
		GrantType: grantType,
	}, r.options.OpaqueTokens)
}
