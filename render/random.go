package main

import (
	"reflect"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// randomFunctions make secrets. What they made belongs to one release: the caller must not reuse it for an equal request.
var randomFunctions = []string{
	"randAlphaNum", "randAlpha", "randAscii", "randNumeric", "randBytes", "randInt", "shuffle", "uuidv4",
	"genPrivateKey", "genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey", "genSignedCert",
	"genSignedCertWithKey", "encryptAES", "bcrypt", "htpasswd",
}

// noticeRandom gives the random functions anew, each of which sets used when a template calls it.
func noticeRandom(used *bool) template.FuncMap {
	originals := sprig.TxtFuncMap()
	noticed := template.FuncMap{}
	for _, name := range randomFunctions {
		original := reflect.ValueOf(originals[name])
		noticed[name] = reflect.MakeFunc(original.Type(), func(args []reflect.Value) []reflect.Value {
			*used = true
			if original.Type().IsVariadic() {
				return original.CallSlice(args)
			}
			return original.Call(args)
		}).Interface()
	}
	return noticed
}
