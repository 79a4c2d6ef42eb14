package secret

import (
	"slices"
	"sync"
)

// Set holds the secrets of a client, those it was given and those it received, so that no error repeats them: a server
// may echo in one answer what it learnt from another request. The zero value is ready to use, by many goroutines.
type Set struct {
	mu    sync.Mutex
	list  []Text
	forms Redactor // of all secrets, kept so that an error or a log line costs little
}

// Add adds secrets, each once. It ignores zero ones.
func (s *Set) Add(secrets ...Text) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		known := slices.ContainsFunc(s.list, func(other Text) bool { return other.Reveal() == secret.Reveal() })
		if !known && !secret.IsZero() {
			s.list = append(s.list, secret)
			s.forms = append(s.forms, NewRedactor(secret)...)
		}
	}
}

// Redactor returns the redactor of all secrets added so far.
func (s *Set) Redactor() Redactor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.forms
}
