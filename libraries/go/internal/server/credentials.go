package server

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// What those who start a program tell it about tokens and TLS. No message holds a token or a key.

const (
	minTokenLength, maxTokenLength = 16, 1024
	// maxSecretLength, in bytes: a longer file is none of ours.
	maxSecretLength = 64 << 10
)

// ConfiguredToken is the token of PICKSCOPE_TOKEN, or of the file that PICKSCOPE_TOKEN_FILE names; "": none.
func ConfiguredToken() (string, error) {
	token, file := os.Getenv("PICKSCOPE_TOKEN"), os.Getenv("PICKSCOPE_TOKEN_FILE")
	switch {
	case token != "" && file != "":
		return "", errors.New("set PICKSCOPE_TOKEN or PICKSCOPE_TOKEN_FILE, not both")
	case token != "":
		return checkedToken("PICKSCOPE_TOKEN", token)
	case file == "":
		return "", nil
	}
	secret, err := readSecret(file)
	if err != nil {
		return "", fmt.Errorf("PICKSCOPE_TOKEN_FILE: %w", err)
	}
	return checkedToken("PICKSCOPE_TOKEN_FILE", strings.TrimSpace(string(secret)))
}

func checkedToken(name, token string) (string, error) {
	if len(token) < minTokenLength || len(token) > maxTokenLength {
		return "", fmt.Errorf("the token in %s has %d characters, but needs %d to %d: "+
			"make one with `openssl rand -hex 32`", name, len(token), minTokenLength, maxTokenLength)
	}
	// Others do not come through a header as they are.
	isUnprintable := func(r rune) bool { return r < ' ' || r > '~' }
	if strings.ContainsFunc(token, isUnprintable) || strings.TrimSpace(token) != token {
		return "", fmt.Errorf(
			"the token in %s may hold printable ASCII characters only, and no space at its ends", name)
	}
	return token, nil
}

// ConfiguredCertificate is the one in the files that PICKSCOPE_TLS_CERT and PICKSCOPE_TLS_KEY name, with its key; nil:
// none.
func ConfiguredCertificate() (*tls.Certificate, error) {
	cert, key := os.Getenv("PICKSCOPE_TLS_CERT"), os.Getenv("PICKSCOPE_TLS_KEY")
	if cert == "" && key == "" {
		return nil, nil
	}
	if cert == "" || key == "" {
		return nil, errors.New("PICKSCOPE_TLS_CERT and PICKSCOPE_TLS_KEY go together: set both")
	}
	certPEM, err := os.ReadFile(cert)
	if err != nil {
		return nil, fmt.Errorf("PICKSCOPE_TLS_CERT: %w", err)
	}
	keyPEM, err := readSecret(key)
	if err != nil {
		return nil, fmt.Errorf("PICKSCOPE_TLS_KEY: %w", err)
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf(
			"PICKSCOPE_TLS_CERT and PICKSCOPE_TLS_KEY: not a certificate and its private key in PEM (%w)", err)
	}
	return &pair, nil
}

// readSecret reads a file that nobody else can have read or written.
func readSecret(file string) ([]byte, error) {
	handle, err := os.OpenFile(file, openFlags, 0)
	if err != nil {
		return nil, err
	}
	defer handle.Close()
	info, err := handle.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSecretLength {
		return nil, fmt.Errorf("%s is no file with a secret in it", file)
	}
	if err := secretFault(info); err != nil {
		return nil, fmt.Errorf("%s %w", file, err)
	}
	return io.ReadAll(io.LimitReader(handle, maxSecretLength))
}

// certificatePEM is what the descriptor tells of a certificate; "": there is none.
func certificatePEM(certificate *tls.Certificate) string {
	if certificate == nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate[0]}))
}
