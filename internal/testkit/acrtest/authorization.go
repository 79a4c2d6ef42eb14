package acrtest

import (
	"net/http"
	"slices"
	"strings"
)

// permission is one entry of a token's access claim, and what a request needs.
// The zero value needs a valid token and no scope.
type permission struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// scope is the permission as a challenge and a token request spell it:
// "repository:app:pull,push". "" without a type.
func (p permission) scope() string {
	if p.Type == "" {
		return ""
	}
	return p.Type + ":" + p.Name + ":" + strings.Join(p.Actions, ",")
}

// parseScope reads "type:name:action,action". A name may hold colons.
func parseScope(scope string) (permission, bool) {
	kind, rest, ok := strings.Cut(scope, ":")
	last := strings.LastIndexByte(rest, ':')
	if !ok || last < 0 {
		return permission{}, false
	}
	return permission{Type: kind, Name: rest[:last], Actions: strings.Split(rest[last+1:], ",")}, true
}

// within is the part of p that the grants allow. A grant for the repository
// "*" covers all repositories.
func (p permission) within(grants []permission) permission {
	allowed := permission{Type: p.Type, Name: p.Name}
	for _, action := range p.Actions {
		if slices.ContainsFunc(grants, func(g permission) bool {
			return g.Type == p.Type && (g.Name == p.Name || g.Name == "*") && slices.Contains(g.Actions, action)
		}) {
			allowed.Actions = append(allowed.Actions, action)
		}
	}
	return allowed
}

func needsNoScope(string, target) permission { return permission{} }

func needsCatalog(string, target) permission {
	return permission{"registry", "catalog", []string{"*"}}
}

func needsContent(method string, t target) permission {
	return permission{"repository", t.name, map[string][]string{
		http.MethodGet:    {"pull"},
		http.MethodHead:   {"pull"},
		http.MethodDelete: {"delete"},
	}[method]}.orActions("pull", "push")
}

func needsMetadata(method string, t target) permission {
	return permission{"repository", t.name, map[string][]string{
		http.MethodGet:    {"metadata_read"},
		http.MethodHead:   {"metadata_read"},
		http.MethodDelete: {"delete"},
	}[method]}.orActions("metadata_write")
}

// orActions gives a permission without actions these.
func (p permission) orActions(actions ...string) permission {
	if p.Actions == nil {
		p.Actions = actions
	}
	return p
}

// refusal is a 401: the challenge and its body.
type refusal struct {
	challenges []string
	needs      permission
}

// authorize checks a request's Authorization; nil means welcome.
func (r *Registry) authorize(req *http.Request, needs permission) *refusal {
	granted, challengeError := r.authenticate(req)
	if challengeError == "" && req.Header.Get("Authorization") != "" {
		if needs.Type == "" || len(needs.within(granted).Actions) == len(needs.Actions) {
			return nil
		}
		challengeError = "insufficient_scope"
	}
	if challengeError == basicRefused {
		return &refusal{[]string{`Basic realm="Azure Container Registry"`}, needs}
	}
	return &refusal{r.challenges(req, needs, challengeError), needs}
}

// basicRefused stands for wrong Basic credentials, which the registry answers
// with a challenge for the same scheme.
const basicRefused = "basic"

// authenticate gives what the request's Authorization permits, or the error
// for the challenge.
func (r *Registry) authenticate(req *http.Request) (granted []permission, challengeError string) {
	switch authScheme(req) {
	case "Bearer":
		_, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
		claims, err := r.tokens.verify(strings.TrimSpace(token), r.serviceName(req), r.options.Clock())
		if err != nil || claims.GrantType != grantAccess {
			return nil, "invalid_token"
		}
		return claims.Access, ""
	case "Basic":
		user, password, ok := req.BasicAuth()
		if !ok || r.checkPassword(req, user, password) != nil {
			return nil, basicRefused
		}
		needs := permission{}
		if route, t, found := r.route(req.URL.Path); found {
			needs = route.needs(req.Method, t)
		}
		return []permission{r.grant(user, needs)}, ""
	case "":
		return nil, ""
	default:
		return nil, "invalid_token"
	}
}

// challenges are the WWW-Authenticate lines (RFC 6750 section 3, and the
// distribution spec's realm, service and scope).
func (r *Registry) challenges(req *http.Request, needs permission, challengeError string) []string {
	if r.options.ChallengeHeaders != nil {
		return r.options.ChallengeHeaders
	}
	realm := r.options.Realm
	if realm == "" {
		realm = r.scheme() + "://" + req.Host + "/oauth2/token"
	}
	challenge := `Bearer realm="` + realm + `",service="` + r.serviceName(req) + `"`
	if scope := needs.scope(); scope != "" {
		challenge += `,scope="` + scope + `"`
	}
	if challengeError != "" {
		challenge += `,error="` + challengeError + `"`
	}
	return []string{challenge}
}

// serviceName is the service of a challenge and the audience of a token: the
// login server, under the name by which the client knows it.
func (r *Registry) serviceName(req *http.Request) string {
	if r.options.ServiceName != "" {
		return r.options.ServiceName
	}
	return req.Host
}

const authenticationRequired = "authentication required, visit https://aka.ms/acr/authorization for more information."

// write sends the 401. Its detail has one entry for each action.
func (f *refusal) write(w http.ResponseWriter) {
	type action struct{ Type, Name, Action string }
	var detail []action
	for _, a := range f.needs.Actions {
		detail = append(detail, action{f.needs.Type, f.needs.Name, a})
	}
	commonHeaders(w)
	w.Header()["Www-Authenticate"] = f.challenges
	type unauthorized struct {
		Code    string   `json:"code"`
		Message string   `json:"message"`
		Detail  []action `json:"detail"` // null for /v2/
	}
	writeJSON(w, http.StatusUnauthorized, map[string]any{
		"errors": []unauthorized{{"UNAUTHORIZED", authenticationRequired, detail}},
	})
}
