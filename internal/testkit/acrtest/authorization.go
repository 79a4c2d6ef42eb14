package acrtest

import (
	"net/http"
	"slices"
	"strings"
)

// permission is one entry of a token's access claim, and what a request needs.
type permission struct {
	Type    string   `json:"type"`
	Name    string   `json:"name"`
	Actions []string `json:"actions"`
}

// scope returns the permission as a challenge and a token request spell it: "repository:app:pull,push".
func (p permission) scope() string {
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

// within returns the part of p that the grants allow. A grant for the repository "*" covers all repositories.
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

// grantedBy reports whether the grants allow all of p.
func (p permission) grantedBy(grants []permission) bool {
	return len(p.within(grants).Actions) == len(p.Actions)
}

// needs returns what a request needs: the scopes of its challenge, in their order.
type needs func(*http.Request, target) []permission

// noScope needs a valid token, whatever that grants.
func noScope(*http.Request, target) []permission { return nil }

func catalogScope(*http.Request, target) []permission {
	return []permission{{"registry", "catalog", []string{"*"}}}
}

// repositoryScope needs these actions on the repository of the path.
func repositoryScope(actions ...string) needs {
	return func(_ *http.Request, t target) []permission {
		return []permission{{"repository", t.name, actions}}
	}
}

// refusal is a 401: the challenge and its body.
type refusal struct {
	challenges []string
	needs      []permission
}

// authorize checks a request's Authorization; nil means welcome.
func (r *Registry) authorize(req *http.Request, needs []permission) *refusal {
	granted, challengeError := r.authenticate(req, needs)
	if challengeError == "" && req.Header.Get("Authorization") != "" {
		lacking := func(p permission) bool { return !p.grantedBy(granted) }
		if !slices.ContainsFunc(needs, lacking) {
			return nil
		}
		challengeError = "insufficient_scope"
	}
	if challengeError == basicRefused {
		return &refusal{[]string{`Basic realm="Azure Container Registry"`}, needs}
	}
	return &refusal{r.challenges(req, needs, challengeError), needs}
}

// basicRefused stands for wrong Basic credentials, which the registry answers with a challenge for the same scheme.
const basicRefused = "basic"

// authenticate returns what the request's Authorization permits, or the error for the challenge.
func (r *Registry) authenticate(req *http.Request, needs []permission) (granted []permission, challengeError string) {
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
		for _, p := range needs {
			granted = append(granted, r.grant(user, p))
		}
		return granted, ""
	case "":
		return nil, ""
	default:
		return nil, "invalid_token"
	}
}

// challenges returns the WWW-Authenticate lines (RFC 6750 section 3, and the
// distribution spec's realm, service and scope).
func (r *Registry) challenges(req *http.Request, needs []permission, challengeError string) []string {
	if r.options.ChallengeHeaders != nil {
		return r.options.ChallengeHeaders
	}
	realm := r.options.Realm
	if realm == "" {
		realm = r.scheme() + "://" + req.Host + "/oauth2/token"
	}
	challenge := `Bearer realm="` + realm + `",service="` + r.serviceName(req) + `"`
	if len(needs) > 0 {
		var scopes []string
		for _, p := range needs {
			scopes = append(scopes, p.scope())
		}
		challenge += `,scope="` + strings.Join(scopes, " ") + `"`
	}
	if challengeError != "" {
		challenge += `,error="` + challengeError + `"`
	}
	return []string{challenge}
}

// serviceName returns the service of a challenge and the audience of a token: the
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
	for _, p := range f.needs {
		for _, a := range p.Actions {
			detail = append(detail, action{p.Type, p.Name, a})
		}
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
