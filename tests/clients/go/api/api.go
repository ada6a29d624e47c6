// Package api is a small API over TLS: GET /<name>/posts of the resource https://api.example.com/<name>, for tokens that may
// read posts; a name begins with the algorithm. It prints its address once it serves.
package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
)

// Claims are what the API reads of a verified token.
type Claims struct {
	ClientID string `json:"client_id"`
	Scope    string `json:"scope"`
}

// Verify answers the claims of a token that is good for the audience and signed with alg, or an error.
type Verify func(ctx context.Context, token, audience, alg string) (*Claims, error)

// Serve answers until the process ends.
func Serve(verify Verify) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("https://%s\n", listener.Addr())
	panic(http.ServeTLS(listener, handler(verify), os.Getenv("TLS_CERT"), os.Getenv("TLS_KEY")))
}

func handler(verify Verify) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := strings.Split(r.URL.Path, "/")[1]
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" {
			write(w, 401, "Bearer", map[string]string{})
			return
		}
		alg, _, _ := strings.Cut(name, "-")
		claims, err := verify(r.Context(), token, "https://api.example.com/"+name, alg)
		switch {
		case err != nil:
			write(w, 401, `Bearer error="invalid_token"`, map[string]string{"why": err.Error()})
		case !slices.Contains(strings.Fields(claims.Scope), "posts:read"):
			write(w, 403, `Bearer error="insufficient_scope", scope="posts:read"`, map[string]string{})
		default:
			write(w, 200, "", claims)
		}
	}
}

func write(w http.ResponseWriter, status int, challenge string, body any) {
	w.Header().Set("Content-Type", "application/json")
	if challenge != "" {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
