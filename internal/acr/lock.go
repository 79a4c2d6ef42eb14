package acr

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/secret"
)

// Attributes are the locks of a repository, tag or manifest. Absent ones are true, ACR's default.
type Attributes struct {
	DeleteEnabled bool
	WriteEnabled  bool
	ReadEnabled   bool
	ListEnabled   bool
}

// ChangeableAttributes are locks as JSON. In an answer, nil means that a lock is absent; in a change, that it stays as
// it is.
type ChangeableAttributes struct {
	DeleteEnabled *bool `json:"deleteEnabled,omitzero"`
	WriteEnabled  *bool `json:"writeEnabled,omitzero"`
	ReadEnabled   *bool `json:"readEnabled,omitzero"`
	ListEnabled   *bool `json:"listEnabled,omitzero"`
}

func (a *ChangeableAttributes) attributes() *Attributes {
	if a == nil {
		return nil
	}
	enabled := func(b *bool) bool { return b == nil || *b }
	return &Attributes{enabled(a.DeleteEnabled), enabled(a.WriteEnabled), enabled(a.ReadEnabled), enabled(a.ListEnabled)}
}

// over returns the locks of a, and those of b that a lacks.
func (a ChangeableAttributes) over(b ChangeableAttributes) ChangeableAttributes {
	return ChangeableAttributes{
		DeleteEnabled: cmp.Or(a.DeleteEnabled, b.DeleteEnabled),
		WriteEnabled:  cmp.Or(a.WriteEnabled, b.WriteEnabled),
		ReadEnabled:   cmp.Or(a.ReadEnabled, b.ReadEnabled),
		ListEnabled:   cmp.Or(a.ListEnabled, b.ListEnabled),
	}
}

// lifted returns the change that sets the locks of a back to true, except those that kept has as well.
func (a ChangeableAttributes) lifted(kept ChangeableAttributes) ChangeableAttributes {
	lift := func(lock, kept *bool) *bool {
		if lock == nil || kept != nil {
			return nil
		}
		return new(true)
	}
	return ChangeableAttributes{
		DeleteEnabled: lift(a.DeleteEnabled, kept.DeleteEnabled),
		WriteEnabled:  lift(a.WriteEnabled, kept.WriteEnabled),
		ReadEnabled:   lift(a.ReadEnabled, kept.ReadEnabled),
		ListEnabled:   lift(a.ListEnabled, kept.ListEnabled),
	}
}

// isDone reports whether the locks are what the change asked for.
func (a ChangeableAttributes) isDone(locks Attributes) bool {
	is := func(wanted *bool, now bool) bool { return wanted == nil || *wanted == now }
	return is(a.DeleteEnabled, locks.DeleteEnabled) && is(a.WriteEnabled, locks.WriteEnabled) &&
		is(a.ReadEnabled, locks.ReadEnabled) && is(a.ListEnabled, locks.ListEnabled)
}

// Lockable names what has its own locks: a repository, or a tag or a manifest in it. The three do not inherit from each
// other (Microsoft, "Lock a container image in an Azure container registry").
type Lockable struct {
	Repository string
	Tag        string // at most one of Tag and Digest; neither for the repository itself
	Digest     string
}

// Validate checks the names. Errors are *fault.Error about "repository", "tag" or "digest".
func (l Lockable) Validate() error {
	if err := oci.ValidateRepository(l.Repository); err != nil {
		return err
	}
	switch {
	case l.Tag != "" && l.Digest != "":
		return fault.Conflicting("tag", "is set together with digest: a lock is on one of them")
	case l.Tag != "":
		return oci.ValidateTag(l.Tag)
	case l.Digest != "":
		return oci.ValidateDigest(l.Digest)
	}
	return nil
}

// Locks reads the locks of a repository, tag or manifest. Only ACR's own API has them: UnsupportedAPI elsewhere. Errors
// are *fault.Error; fault.IsMissing reports whether what has the locks does not exist.
func (c *Client) Locks(ctx context.Context, l Lockable) (locks *Attributes, err error) {
	defer c.finish(&err, "reading the locks of "+c.nameOf(l))
	return c.locks(ctx, l, lockEndpoints{getRepository, getTag, getManifestDetails}, nil)
}

// Lock sets locks, and sets those in had that are not among them back to true, unless this client has set them: whoever
// asked for that still wants them. All others stay as they are. Errors are those of Locks.
func (c *Client) Lock(ctx context.Context, l Lockable, set, had ChangeableAttributes) (err error) {
	defer c.finish(&err, "changing the locks of "+c.nameOf(l))
	own := c.locked.of(l)
	leave, err := own.changing.take(ctx)
	if err != nil {
		return err
	}
	defer leave()
	change := set.over(had.lifted(own.set))
	if change == (ChangeableAttributes{}) {
		return nil
	}
	body, err := json.Marshal(change)
	if err != nil {
		return err
	}
	locks, err := c.locks(ctx, l, lockEndpoints{patchRepository, patchTag, patchManifest}, body)
	if err != nil {
		return err
	}
	if !change.isDone(*locks) {
		return &fault.Error{Reason: fault.BadAnswer, Detail: "the registry accepted the change, but answers with other locks than requested"}
	}
	own.set = set.over(own.set)
	return nil
}

// locked has the locks that this client has set, by what bears them.
type locked struct {
	mu  sync.Mutex
	own map[Lockable]*ownLocks
}

// ownLocks are the locks that this client has set at one repository, tag or manifest.
type ownLocks struct {
	changing turns                // one change at a time: the second knows what the first did
	set      ChangeableAttributes // guarded by changing
}

func (l *locked) of(bearer Lockable) *ownLocks {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.own == nil {
		l.own = map[Lockable]*ownLocks{}
	}
	if l.own[bearer] == nil {
		l.own[bearer] = &ownLocks{changing: make(turns, 1)}
	}
	return l.own[bearer]
}

// lockEndpoints is one method at each of the three levels.
type lockEndpoints struct{ repository, tag, manifest endpoint }

// locks sends a request to the endpoint of the level, and decodes the locks from the answer, which has the same form
// for a read and a change.
func (c *Client) locks(ctx context.Context, l Lockable, endpoints lockEndpoints, body []byte) (*Attributes, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	var r request
	switch {
	case l.Tag != "":
		r = c.request(endpoints.tag, l.Repository, l.Tag, nil)
	case l.Digest != "":
		r = c.request(endpoints.manifest, l.Repository, l.Digest, nil)
	default:
		r = c.request(endpoints.repository, l.Repository, "", nil)
	}
	if body != nil {
		r.ContentType, r.Body = "application/json", secret.New(string(body))
	}
	var locks *Attributes
	err := c.doACR(ctx, r, "only Azure Container Registry has locks", func(answer *answer) (err error) {
		locks, err = decodeLocks(answer, l)
		return err
	})
	return locks, err
}

// decodeLocks reads the locks of a repository at the top of the answer, those of a tag or a manifest below its kind.
func decodeLocks(answer *answer, l Lockable) (*Attributes, error) {
	type lockable struct {
		Attributes *ChangeableAttributes `json:"changeableAttributes"`
	}
	var raw struct {
		lockable
		Tag      lockable `json:"tag"`
		Manifest lockable `json:"manifest"`
	}
	if err := decodePage(answer, &raw); err != nil {
		return nil, err
	}
	found := raw.lockable
	switch {
	case l.Tag != "":
		found = raw.Tag
	case l.Digest != "":
		found = raw.Manifest
	}
	if found.Attributes == nil {
		return nil, errors.New("the body has no locks")
	}
	return found.Attributes.attributes(), nil
}

// nameOf returns what has the locks as a reference, such as r.azurecr.io/app:1.0.
func (c *Client) nameOf(l Lockable) string {
	name := c.config.Registry + "/" + l.Repository
	switch {
	case l.Digest != "":
		return name + "@" + l.Digest
	case l.Tag != "":
		return name + ":" + l.Tag
	}
	return name
}
