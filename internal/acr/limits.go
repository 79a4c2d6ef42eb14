package acr

import (
	"github.com/acrkit/terraform-provider-acr/internal/acr/oci"
	"github.com/acrkit/terraform-provider-acr/internal/acr/transport"
)

// The limits of lists. Those of a manifest and of an image configuration are in package oci. An answer over its limit
// is returned as an error with the reason fault.TooLarge, and nothing of it is used.
const (
	MaxPageBytes    = 8 << 20            // of one page of a list
	MaxPageEntries  = 10_000             // of one page: some registries send more than they were asked for
	MaxListEntries  = 100_000            // of a whole list that are kept
	MaxListFindings = 64 << 20           // bytes of scanners' findings in a whole list of manifests
	MaxReferrers    = oci.MaxDescriptors // of one manifest: as many as the referrers tag can hold
)

// MaxRetryAfter is the longest wait that a registry may ask for with Retry-After.
const MaxRetryAfter = transport.MaxRetryAfter
