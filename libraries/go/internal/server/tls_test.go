package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// newCertificate makes one for 127.0.0.1, in PEM.
func newCertificate(t *testing.T) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "tested"},
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

// configure writes a certificate and its key into files, and names them in the environment.
func configure(t *testing.T, certificate, key []byte) {
	t.Helper()
	folder := t.TempDir()
	for name, content := range map[string][]byte{"PICKSCOPE_TLS_CERT": certificate, "PICKSCOPE_TLS_KEY": key} {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv(name, file)
	}
}

func TestTLSWithTheCertificateOfTheDescriptor(t *testing.T) {
	certificate, key := newCertificate(t)
	configure(t, certificate, key)
	configured, err := ConfiguredCertificate()
	if err != nil {
		t.Fatal(err)
	}
	options := testOptions()
	options.Listen, options.Certificate = "0", configured
	server, folder := open(t, options)

	found := announced(t, folder)
	if found.Certificate != string(certificate) {
		t.Errorf("announced with the certificate %q", found.Certificate)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM([]byte(found.Certificate))
	secure := credentials.NewTLS(&tls.Config{RootCAs: trusted})
	channel, err := grpc.Dial(found.Address, grpc.WithTransportCredentials(secure))
	if err != nil {
		t.Fatal(err)
	}
	defer channel.Close()
	describe(t, channel, found.Token)

	plain := connect(t, server.Address())
	io.WriteString(plain, preface+settings)
	plain.SetReadDeadline(time.Now().Add(patience))
	if answer, _ := io.ReadAll(plain); bytes.Contains(answer, []byte("\x00\x00\x00\x04")) {
		t.Errorf("without TLS it answers %q", answer)
	}
}

func TestCertificatesThatAreNone(t *testing.T) {
	certificate, key := newCertificate(t)
	_, anotherKey := newCertificate(t)
	const notAPair = "not a certificate and its private key in PEM"
	for name, test := range map[string]struct {
		certificate, key []byte
		mode             os.FileMode
		fault            string
	}{
		"another's key":      {certificate, anotherKey, 0o600, notAPair},
		"no PEM":             {certificate, []byte("no-key-at-all"), 0o600, notAPair},
		"a key that is open": {certificate, key, 0o644, "is open to other users (mode 644): chmod 600 it"},
	} {
		t.Run(name, func(t *testing.T) {
			configure(t, test.certificate, test.key)
			if err := os.Chmod(os.Getenv("PICKSCOPE_TLS_KEY"), test.mode); err != nil {
				t.Fatal(err)
			}
			_, err := ConfiguredCertificate()
			if err == nil || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("its fault is %v", err)
			}
			if err != nil && strings.Contains(err.Error(), string(test.key)) {
				t.Error("the key is in the error")
			}
		})
	}
	configure(t, certificate, key)
	t.Setenv("PICKSCOPE_TLS_KEY", "")
	if _, err := ConfiguredCertificate(); err == nil || !strings.Contains(err.Error(), "set both") {
		t.Errorf("its fault is %v", err)
	}
}
