#!/bin/sh
# Makes the certificates of this folder and, beside each, what OpenSSL reads in
# it: the tests compare with the latter. Keys are thrown away. Run it in an
# empty folder, with OpenSSL 3; certificates differ from run to run.
set -eu

keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT

cat >"$keys/plain.cnf" <<'CNF'
[req]
distinguished_name = dn
[dn]
CNF
export OPENSSL_CONF="$keys/plain.cnf"

key() { # name, options of openssl genpkey
	name=$1
	shift
	openssl genpkey -quiet -out "$keys/$name.key" "$@" 2>/dev/null ||
		openssl genpkey -out "$keys/$name.key" "$@" 2>/dev/null
}

describe() { # name
	{
		openssl x509 -in "$1.pem" -noout -nameopt RFC2253,-esc_msb -subject -issuer -serial \
			-dateopt iso_8601 -startdate -enddate -fingerprint -sha256
		openssl x509 -in "$1.pem" -noout -text -nameopt RFC2253,-esc_msb
		printf 'spki='
		openssl x509 -in "$1.pem" -noout -pubkey 2>/dev/null | openssl pkey -pubin -outform DER 2>/dev/null | openssl dgst -sha256 -r | cut -c1-64
	} >"$1.txt"
}

selfsigned() { # name, key, options of openssl req
	name=$1 from=$2
	shift 2
	openssl req -x509 -key "$keys/$from.key" -out "$name.pem" -days 3650 "$@" 2>/dev/null
	describe "$name"
}

issued() { # name, key, options of openssl req
	name=$1 from=$2
	shift 2
	openssl req -x509 -CA ca.pem -CAkey "$keys/ca.key" -key "$keys/$from.key" -out "$name.pem" -days 398 "$@" 2>/dev/null
	describe "$name"
}

key ca -algorithm RSA -pkeyopt rsa_keygen_bits:2048
key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
key rsa1024 -algorithm RSA -pkeyopt rsa_keygen_bits:1024
key rsa512 -algorithm RSA -pkeyopt rsa_keygen_bits:512
key rsapss -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048
for c in P-224 P-256 P-384 P-521 P-192 secp256k1 brainpoolP256r1; do
	key "$c" -algorithm EC -pkeyopt ec_paramgen_curve:$c -pkeyopt ec_param_enc:named_curve
done
key explicit -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit
key compressed -algorithm EC -pkeyopt ec_paramgen_curve:P-256
openssl ec -in "$keys/compressed.key" -conv_form compressed -out "$keys/c" 2>/dev/null && mv "$keys/c" "$keys/compressed.key"
key ed25519 -algorithm ED25519
key ed448 -algorithm ED448
key sm2 -algorithm SM2
openssl genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 -out "$keys/dsa.param" 2>/dev/null
openssl genpkey -paramfile "$keys/dsa.param" -out "$keys/dsa.key" 2>/dev/null

selfsigned ca ca -subj '/C=DE/O=Example Trust/CN=Example Root' -addext keyUsage=critical,keyCertSign,cRLSign \
	-addext basicConstraints=critical,CA:TRUE -addext subjectKeyIdentifier=hash
issued server rsa -subj '/C=DE/ST=Berlin/L=Berlin/O=Shop, Inc./OU=Web+OU=Edge/CN=shop.example' -multivalue-rdn \
	-addext 'subjectAltName=DNS:shop.example,DNS:*.Shop.example,IP:192.0.2.7,IP:2001:db8::7,email:ops@shop.example,URI:spiffe://shop.example/edge' \
	-addext extendedKeyUsage=serverAuth,clientAuth -addext keyUsage=critical,digitalSignature,keyEncipherment \
	-addext tlsfeature=status_request -addext basicConstraints=CA:FALSE \
	-addext subjectKeyIdentifier=hash -addext authorityKeyIdentifier=keyid \
	-addext 'authorityInfoAccess=OCSP;URI:http://ocsp.example/,caIssuers;URI:http://ca.example/root.der'
issued commonname rsa -subj '/CN=legacy.example' -sha384
issued sha1 rsa1024 -subj '/CN=old.example' -sha1 -addext subjectAltName=DNS:old.example
issued md5 rsa512 -subj '/CN=older.example' -md5 -addext subjectAltName=DNS:older.example
selfsigned selfmd5 rsa512 -subj '/CN=self.example' -md5
issued pss256 rsa -subj '/CN=pss.example' -sha256 -sigopt rsa_padding_mode:pss
issued pss512 rsa -subj '/CN=pss.example' -sha512 -sigopt rsa_padding_mode:pss
selfsigned rsapss rsapss -subj '/CN=rsapss.example'
selfsigned sha224 rsa -subj '/CN=sha224.example' -sha224
for c in P-224 P-256 P-384 P-521 P-192 secp256k1 brainpoolP256r1; do
	selfsigned "$c" "$c" -subj "/CN=$c.example" -addext "subjectAltName=DNS:$c.example"
done
selfsigned explicit explicit -subj '/CN=explicit.example'
selfsigned compressed compressed -subj '/CN=compressed.example'
selfsigned ed25519 ed25519 -subj /CN=ed25519.example
selfsigned ed448 ed448 -subj /CN=ed448.example
selfsigned sm2 sm2 -subj /CN=sm2.example -sm3
selfsigned dsa dsa -subj /CN=dsa.example -sha256
issued negative rsa -subj /CN=negative.example -set_serial -4711 -addext subjectAltName=DNS:negative.example
issued zero rsa -subj /CN=zero.example -set_serial 0
issued longserial rsa -subj /CN=longserial.example -set_serial 0xdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef
issued escapes rsa -utf8 -subj '/O= #lead, \+\\"quoted"<a;b> /OU=Bücher GmbH/CN=#hash/emailAddress=a@b.example/serialNumber=HRB 1'
cat >"$keys/foreign.cnf" <<'CNF'
[req]
distinguished_name = dn
prompt = no
[dn]
x.1.3.6.1.4.1.99999.7 = custom
1.DC = example
2.DC = shop
UID = u1
CN = foreign.example
CNF
issued foreign rsa -config "$keys/foreign.cnf"
issued severalcn rsa -subj '/CN=first.example/O=x/CN=last.example'
selfsigned empty rsa -subj / -addext subjectAltName=critical,DNS:empty.example
openssl req -new -key "$keys/rsa.key" -subj /CN=v1.example |
	openssl x509 -req -signkey "$keys/rsa.key" -days 10 -out v1.pem 2>/dev/null
describe v1
cat >"$keys/bmp.cnf" <<'CNF'
[req]
distinguished_name = dn
string_mask = pkix
prompt = no
utf8 = yes
[dn]
O = Bücher und Κόσμος
CN = bmp.example
CNF
issued bmp rsa -config "$keys/bmp.cnf"
sed 's/pkix/default/; s/ und Κόσμος//' "$keys/bmp.cnf" >"$keys/t61.cnf"
issued t61 rsa -config "$keys/t61.cnf"
cat >"$keys/ca.cnf" <<'CNF'
[ca]
default_ca = one
[one]
database = $ENV::KEYS/index
serial = $ENV::KEYS/serial
new_certs_dir = $ENV::KEYS
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
CNF
dated() { # name, start, end
	: >"$keys/index"
	echo 01 >"$keys/serial"
	openssl req -new -key "$keys/rsa.key" -subj "/CN=$1.example" -addext "subjectAltName=DNS:$1.example" -out "$keys/csr" 2>/dev/null
	KEYS=$keys openssl ca -batch -notext -config "$keys/ca.cnf" -cert ca.pem -keyfile "$keys/ca.key" \
		-in "$keys/csr" -startdate "$2" -enddate "$3" -out "$1.pem" 2>/dev/null
	describe "$1"
}
dated past 19491231000000Z 19700101000000Z
dated future 20491231235959Z 20500101000000Z
dated forever 20000229120000Z 99991231235959Z
