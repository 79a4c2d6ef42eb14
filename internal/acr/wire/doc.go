// Package wire parses what strangers send, within bounds: header fields, JSON and bodies. It knows nothing of the rest of
// the project.
package wire
