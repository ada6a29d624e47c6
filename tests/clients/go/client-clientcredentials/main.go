// Answers cases, one JSON object a line, until standard input ends. tests/clients/run.py asks them.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

type asked struct {
	Auth         string `json:"auth"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	Resource     string `json:"resource"`
	Scope        string `json:"scope"`
	API          string `json:"api"`
}

var styles = map[string]oauth2.AuthStyle{
	"basic": oauth2.AuthStyleInHeader,
	"post":  oauth2.AuthStyleInParams,
	"auto":  oauth2.AuthStyleAutoDetect, // Basic, and upon any error once more in the body
}

func get(ctx context.Context, clientID, clientSecret, resource, scope string, style oauth2.AuthStyle) (*oauth2.Token, error) {
	provider, err := oidc.NewProvider(ctx, os.Getenv("ISSUER"))
	if err != nil {
		return nil, err
	}
	config := clientcredentials.Config{
		ClientID:       clientID,
		ClientSecret:   clientSecret,
		TokenURL:       provider.Endpoint().TokenURL,
		Scopes:         strings.Fields(scope),
		EndpointParams: url.Values{"resource": {resource}},
		AuthStyle:      oauth2.AuthStyleInHeader,
	}
	config.AuthStyle = style
	token, err := config.Token(ctx)
	return token, err
}

func answer(ctx context.Context, asked asked) map[string]any {
	token, err := get(ctx, asked.ClientID, asked.ClientSecret, asked.Resource, asked.Scope, styles[asked.Auth])
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.ErrorCode != "" {
		return map[string]any{"error": refused.ErrorCode}
	}
	if err != nil {
		return map[string]any{"broken": err.Error()}
	}
	answer := map[string]any{"token": token.AccessToken, "scope": token.Extra("scope"), "expires_in": token.Extra("expires_in")}
	if asked.API != "" {
		client := oauth2.NewClient(ctx, oauth2.StaticTokenSource(token))
		status, body, err := call(client, asked.API)
		if err != nil {
			return map[string]any{"broken": err.Error()}
		}
		answer["status"], answer["body"] = status, body
	}
	return answer
}

func call(client *http.Client, api string) (status int, body map[string]any, err error) {
	response, err := client.Get(api)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	return response.StatusCode, body, json.NewDecoder(response.Body).Decode(&body)
}

func main() {
	lines, answers := bufio.NewScanner(os.Stdin), json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked asked
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			panic(err)
		}
		if err := answers.Encode(answer(context.Background(), asked)); err != nil {
			panic(err)
		}
	}
}
