package main

import (
	"context"
	"errors"
	"os"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"claviger.dev/tests/clients/api"
)

var provider *oidc.Provider

func verify(ctx context.Context, token, audience, alg string) (*api.Claims, error) {
	verifier := provider.Verifier(&oidc.Config{ClientID: audience, SupportedSigningAlgs: []string{alg}})
	verified, err := verifier.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	// go-oidc does not look at typ.
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil || parsed.Headers[0].ExtraHeaders[jose.HeaderType] != "at+jwt" {
		return nil, errors.New("not an access token")
	}
	var claims api.Claims
	return &claims, verified.Claims(&claims)
}

func main() {
	var err error
	// The context lives as long as the keys are fetched.
	if provider, err = oidc.NewProvider(context.Background(), os.Getenv("ISSUER")); err != nil {
		panic(err)
	}
	api.Serve(verify)
}
