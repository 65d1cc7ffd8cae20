#!/bin/sh
# Makes the stores of this directory: run it here. Needs openssl and keytool
# (openjdk). Every run makes new authorities; load_test.go reads their
# fingerprints from fingerprints.txt.
set -e
rm -rf ./*.pem ./*.der ./*.jks ./*.jceks ./*.p12 ./*.json ./*.yml dir fingerprints.txt
ca() { # name, key options
	name=$1; shift
	openssl req -x509 -newkey "$@" -nodes -keyout "$name.key" -out "$name.pem" -days 36500 \
		-subj "/O=blindspot test/CN=$name" -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
	printf '%s %s\n' "$name" "$(openssl x509 -in "$name.pem" -outform DER | sha256sum | cut -d' ' -f1)" >>fingerprints.txt
}
ca one ec -pkeyopt ec_paramgen_curve:P-256
ca two rsa:2048
openssl x509 -in one.pem -outform DER -out one.der
for kind in jks jceks pkcs12; do
	file=stores.$kind; [ $kind = pkcs12 ] && file=stores.p12
	for name in one two; do
		keytool -importcert -noprompt -storetype $kind -keystore $file -storepass secret1 -alias $name -file $name.pem
	done
done
# Java's own: "changeit" as JKS, and what newer ones have, PKCS#12 without a password.
keytool -importcert -noprompt -storetype jks -keystore changeit.jks -storepass changeit -alias one -file one.pem
keytool -importcert -noprompt -storetype pkcs12 -keystore changeit.p12 -storepass changeit -alias one -file one.pem
keytool -J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE -J-Dkeystore.pkcs12.macAlgorithm=NONE \
	-importcert -noprompt -storetype pkcs12 -keystore open.p12 -storepass changeit -alias one -file one.pem
# A key beside a trusted certificate.
keytool -genkeypair -storetype jks -keystore key.jks -storepass secret1 -keypass secret1 -alias server -keyalg EC -dname CN=server.test -validity 36500
keytool -importcert -noprompt -storetype jks -keystore key.jks -storepass secret1 -alias one -file one.pem
# What Java does not take for trusted, and a key.
openssl pkcs12 -export -nokeys -in one.pem -out untrusted.p12 -passout pass:secret1
openssl pkcs12 -export -inkey one.key -in one.pem -out key.p12 -passout pass:secret1
cat one.pem two.pem >both.pem
{ echo "a text before"; cat one.pem; } >text.pem
openssl x509 -in one.pem -trustout -addreject serverAuth -out trusted.pem
# A directory with links by hash, and a file that is no certificate.
mkdir dir; cp one.pem two.pem dir/; echo "not a certificate" >dir/README; (cd dir; openssl rehash .)
# SPIFFE bundle, as "spire-server bundle show -format spiffe" writes it.
b64() { openssl x509 -in "$1" -outform DER | base64 -w0; }
jwk() { printf '{"use":"x509-svid","kty":"EC","crv":"P-256","x":"AA","y":"AA","x5c":["%s"]}' "$(b64 one.pem)"; }
printf '{"keys":[%s,{"use":"jwt-svid","kty":"EC","kid":"k","crv":"P-256","x":"AA","y":"AA"}],"spiffe_sequence":1,"spiffe_refresh_hint":300}\n' "$(jwk)" >spiffe.json
printf '{"trust_domains":{"example.org":{"keys":[%s]}}}\n' "$(jwk)" >domains.json
# ConfigMaps, in the form of kubectl get -o yaml and -o json.
indent() { sed 's/^/    /' "$1"; }
{ printf 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: trusted-ca\n  namespace: shop\ndata:\n  ca-bundle.crt: |\n'; indent both.pem; } >configmap.yml
{ printf 'apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: kube-root-ca.crt\ndata:\n  ca.crt: |\n'; indent one.pem; } >documents.yml
printf '{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"chosen.pem":"%s"}}]}\n' "$(sed ':a;N;$!ba;s/\n/\\n/g' two.pem)" >list.json
printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\ndata:\n  ca.crt: %s\n  tls.key: bm8=\n' "$(base64 -w0 one.pem)" >secret.yml
chmod 644 ./*.p12
rm -f ./*.key
