#!/bin/sh
# Makes the certificates and OCSP responses of this folder with OpenSSL 3. Keys
# are thrown away. Responses are valid from the moment of making for 7 days,
# unless said otherwise; the tests read the times in responses.txt, which is
# what `openssl ocsp -respin` says of each.
set -eu

keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT
printf '[req]\ndistinguished_name=dn\n[dn]\n' >"$keys/cnf"
export OPENSSL_CONF="$keys/cnf"

key() { openssl ecparam -genkey -name prime256v1 -noout -out "$keys/$1.key"; }

root() { # name, subject
	key "$1"
	openssl req -x509 -key "$keys/$1.key" -out "$1.pem" -days 3650 -subj "$2" \
		-addext basicConstraints=critical,CA:TRUE -addext subjectKeyIdentifier=hash
}

issue() { # name, issuer, serial, options
	name=$1 by=$2 number=$3
	shift 3
	key "$name"
	openssl req -x509 -CA "$by.pem" -CAkey "$keys/$by.key" -key "$keys/$name.key" -out "$name.pem" \
		-days 398 -subj "/CN=$name.example" -set_serial "$number" "$@"
}

root ca '/O=Example/CN=Issuing CA'
root other '/O=Example/CN=Another CA'
root twin '/O=Example/CN=Issuing CA'
issue good ca 0x1001
issue revoked ca 0x1002
issue held ca 0x1003
issue unknown ca 0x1004
issue second ca 0x1005
issue responder ca 0x2001 -addext extendedKeyUsage=OCSPSigning
issue impostor ca 0x2002 -addext extendedKeyUsage=serverAuth
issue stranger other 0x2001 -addext extendedKeyUsage=OCSPSigning

tab=$(printf '\t')
cat >"$keys/index" <<INDEX
V${tab}490101000000Z${tab}${tab}1001${tab}unknown${tab}/CN=good.example
R${tab}490101000000Z${tab}250102030405Z,keyCompromise${tab}1002${tab}unknown${tab}/CN=revoked.example
R${tab}490101000000Z${tab}250102030405Z,certificateHold${tab}1003${tab}unknown${tab}/CN=held.example
V${tab}490101000000Z${tab}${tab}1005${tab}unknown${tab}/CN=second.example
INDEX

: >responses.txt
answer() { # response, certificate, signer, options for the responder
	out=$1 cert=$2 signer=$3
	shift 3
	openssl ocsp -issuer ca.pem ${HASH:-} -cert "$cert.pem" ${MORE:-} -no_nonce -reqout "$keys/req" >/dev/null 2>&1
	openssl ocsp -index "$keys/index" -CA ca.pem -rsigner "$signer.pem" -rkey "$keys/$signer.key" \
		-reqin "$keys/req" -respout "$out.der" "$@" >/dev/null 2>&1
	{
		echo "== $out"
		openssl ocsp -respin "$out.der" -noverify -resp_text 2>/dev/null |
			grep -E 'Serial Number: [0-9A-F]{4}$|Cert Status|This Update|Next Update' || true
	} >>responses.txt
}

answer good good ca -ndays 7
answer revoked revoked ca -ndays 7
answer held held ca -ndays 7
answer unknown unknown ca -ndays 7
answer delegated good responder -ndays 7
answer keyid good responder -ndays 7 -resp_key_id
answer bare good ca -ndays 7 -resp_no_certs
answer endless good ca
answer impostor good impostor -ndays 7
answer stranger good stranger -ndays 7
answer sha512 good ca -ndays 7 -rmd sha512
HASH=-sha256 answer sha256id good ca -ndays 7
MORE="-cert second.pem" answer several good ca -ndays 7
printf '\060\003\012\001\003' >trylater.der # RFC 6960 §4.2.1: tryLater (3)
