package acr

import (
	"context"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/acrkit/terraform-provider-acr/internal/acr/fault"
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
)

// A write that waits for another one ends with its caller, however long the other one takes.
func TestWaitForAnotherWriteEndsWithTheCaller(t *testing.T) {
	client, err := NewClient(Config{Registry: "r.azurecr.io"})
	if err != nil {
		t.Fatal(err)
	}
	d := digest.FromString("subject")
	for _, turn := range []turns{client.written.tag("app", "v").writing, client.written.tag("app", referrersTag(d)).listing} {
		if _, err := turn.take(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for name, write := range map[string]func(context.Context) error{
		"put a tag": func(ctx context.Context) error {
			_, err := client.PutTag(ctx, TagRequest{Repository: "app", Tag: "v", Digest: d.String()})
			return err
		},
		"untag": func(ctx context.Context) error { return client.Untag(ctx, "app", "v", d.String()) },
		"list a referrer": func(ctx context.Context) (err error) {
			defer client.finish(&err, "")
			return client.listReferrer(ctx, "app", &oci.Manifest{Subject: &oci.Descriptor{Digest: d}}, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- write(ctx) }()
			cancel()
			select {
			case err := <-ended:
				if failed, ok := fault.As(err); !ok || failed.Reason != fault.Canceled {
					t.Errorf("error = %v, want that it was cancelled", err)
				}
			case <-time.After(time.Minute):
				t.Fatal("it still waits")
			}
		})
	}
}
