package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"claviger.dev/tests/clients/api"
)

var issuer = os.Getenv("ISSUER")

func verify(ctx context.Context, token, audience, alg string) (*api.Claims, error) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
	if err != nil {
		return nil, err
	}
	if parsed.Headers[0].ExtraHeaders[jose.HeaderType] != "at+jwt" {
		return nil, errors.New("not an access token")
	}
	keys, err := published.get(ctx)
	if err != nil {
		return nil, err
	}
	var registered jwt.Claims
	var claims api.Claims
	if err := parsed.Claims(keys, &registered, &claims); err != nil {
		return nil, err
	}
	if registered.Expiry == nil {
		return nil, errors.New("a token without exp")
	}
	expected := jwt.Expected{Issuer: issuer, AnyAudience: jwt.Audience{audience}, Time: time.Now()}
	return &claims, registered.ValidateWithLeeway(expected, 2*time.Second)
}

var published keySet

// keySet keeps the keys for as long as Cache-Control says: five minutes.
type keySet struct {
	mutex sync.Mutex
	keys  *jose.JSONWebKeySet
	until time.Time
}

func (k *keySet) get(ctx context.Context) (*jose.JSONWebKeySet, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if time.Now().Before(k.until) {
		return k.keys, nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, issuer+"/oauth2/jwks", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the keys could not be fetched: %s", response.Status)
	}
	keys := new(jose.JSONWebKeySet)
	if err := json.NewDecoder(response.Body).Decode(keys); err != nil {
		return nil, err
	}
	k.keys, k.until = keys, time.Now().Add(5*time.Minute)
	return keys, nil
}

func main() { api.Serve(verify) }
