package secret

import (
	"slices"
	"sync"
)

// Set holds what a client was given and what it handed out, so that no error repeats it: a server may echo in one
// answer what it learned from another request. The zero value is ready to use, by many goroutines.
type Set struct {
	mu    sync.Mutex
	list  []Text
	forms Redactor // of all in the list, kept so that an error and a line of the log cost little
}

// Add adds secrets, each once. Zero ones are passed over.
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
