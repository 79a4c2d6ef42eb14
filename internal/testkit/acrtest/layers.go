package acrtest

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// layer is a blob of any size that takes no memory: its bytes are generated as they are read, the same for the same
// size. No two of its blocks are equal.
type layer int64

// layerBlock is what the blocks of a layer have in common. Each begins with its number.
var layerBlock = func() []byte {
	block := make([]byte, 64<<10)
	_, _ = rand.NewChaCha8([32]byte{}).Read(block)
	return block
}()

func (l layer) size() int64         { return int64(l) }
func (l layer) open() io.ReadSeeker { return io.NewSectionReader(l, 0, int64(l)) }

// ReadAt makes the bytes at an offset.
func (l layer) ReadAt(p []byte, offset int64) (n int, err error) {
	block := int64(len(layerBlock))
	for n < len(p) && offset < int64(l) {
		number, within := offset/block, int(offset%block)
		end := int(min(block, int64(l)-number*block))
		copied := copy(p[n:], layerBlock[within:end])
		if within < 8 {
			var head [8]byte
			binary.BigEndian.PutUint64(head[:], uint64(number))
			copy(p[n:n+copied], head[within:min(8, end)])
		}
		n += copied
		offset += int64(copied)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// layers are the layers that this process has made: hashing a large one takes seconds.
var layers struct {
	mu      sync.Mutex
	digests map[layer]digest.Digest
	known   map[digest.Digest]layer
}

// PutLayer stores a layer of so many bytes, without holding them in memory, for use among an image's Layers. Layers of
// one size are alike. When one is pushed to this or another registry of the process, it takes no memory there either.
func (r *Registry) PutLayer(repository string, size int64) ocispec.Descriptor {
	l := layer(size)
	d := l.digest()
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.putBlob(repository, d, l)
	return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayer, Digest: d, Size: size}
}

func (l layer) digest() digest.Digest {
	layers.mu.Lock()
	defer layers.mu.Unlock()
	if d, known := layers.digests[l]; known {
		return d
	}
	d, err := digest.FromReader(l.open())
	if err != nil {
		panic("acrtest: hashing a layer: " + err.Error())
	}
	if layers.digests == nil {
		layers.digests, layers.known = map[layer]digest.Digest{}, map[digest.Digest]layer{}
	}
	layers.digests[l], layers.known[d] = d, l
	return d
}

// generatedLayer returns the layer of a digest; nil if PutLayer has not made it.
func generatedLayer(d digest.Digest) blob {
	layers.mu.Lock()
	defer layers.mu.Unlock()
	if l, known := layers.known[d]; known {
		return l
	}
	return nil
}
