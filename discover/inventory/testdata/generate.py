#!/usr/bin/env python3
"""Makes the certificates of this folder with OpenSSL, what OpenSSL says of them
(facts.tsv), and the inventories that hold them, written from those facts. Keys
are thrown away; where a format holds a private key, a text stands in its place
that no output may contain. Run it in an empty folder; certificates differ from
run to run. step.json comes from smallstep/zcrypto, the library that "step
certificate inspect --format json" prints with: pipe wild.pem and ca.pem to it.
"""
import base64, json, os, subprocess, tempfile

KEYS = tempfile.mkdtemp()
CANARY = base64.b64encode(b"this is no key but a canary " * 6).decode()
KEY = "-----BEGIN PRIVATE KEY-----\n" + CANARY + "\n-----END PRIVATE KEY-----\n"


def run(*args, data=None):
    return subprocess.run(args, check=True, capture_output=True, input=data).stdout


def write(path, text):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())


CONF = KEYS + "/ca.cnf"
write(CONF, f"""
[ca]
default_ca = shop
[shop]
database = {KEYS}/index
serial = {KEYS}/serial
new_certs_dir = {KEYS}
default_md = sha256
policy = any
unique_subject = no
x509_extensions = leaf
[any]
countryName = optional
organizationName = optional
commonName = optional
[req]
distinguished_name = dn
[dn]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
""")


def key(name, rsa=False):
    path = f"{KEYS}/{name}.key"
    if rsa:
        run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path)
    else:
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
    return path


FACTS = []


def facts(name):
    out = run("openssl", "x509", "-in", f"certs/{name}.pem", "-noout", "-nameopt", "RFC2253", "-issuer", "-serial",
              "-dateopt", "iso_8601", "-startdate", "-enddate").decode()
    f = dict(line.split("=", 1) for line in out.splitlines())
    for h in ("sha256", "sha1"):
        f[h] = run("openssl", "x509", "-in", f"certs/{name}.pem", "-noout", "-fingerprint", "-" + h).decode().strip().split("=")[1]
    pub = run("openssl", "x509", "-in", f"certs/{name}.pem", "-noout", "-pubkey")
    der = run("openssl", "pkey", "-pubin", "-outform", "DER", data=pub)
    f["spki"] = run("openssl", "dgst", "-sha256", "-r", data=der).decode()[:64]
    f["name"] = name
    FACTS.append(f)
    return f


def issue(name, subject, sans, start, end, serial, extra="", rsa=False, keyfile=None):
    write(KEYS + "/serial", serial + "\n")
    write(KEYS + "/index", "")
    ext = KEYS + "/ext.cnf"
    write(ext, f"basicConstraints = CA:FALSE\nkeyUsage = critical,digitalSignature\nextendedKeyUsage = serverAuth\nsubjectAltName = {sans}\n{extra}\n")
    k = keyfile or key(name, rsa)
    run("openssl", "req", "-new", "-config", CONF, "-key", k, "-subj", subject, "-out", KEYS + "/csr")
    run("openssl", "ca", "-batch", "-config", CONF, "-cert", "certs/ca.pem", "-keyfile", KEYS + "/ca.key", "-in", KEYS + "/csr",
        "-notext", "-preserveDN", "-startdate", start, "-enddate", end, "-extfile", ext, "-out", f"certs/{name}.pem")
    return facts(name), k


os.makedirs("certs", exist_ok=True)
run("openssl", "req", "-x509", "-config", CONF, "-extensions", "authority", "-key", key("ca"), "-days", "3650", "-set_serial", "0x1001",
    "-subj", "/C=DE/O=Shop, Ltd./CN=Shop Internal CA", "-out", "certs/ca.pem")
facts("ca")
SHOP = "DNS:shop.example,DNS:www.shop.example"
old, _ = issue("shop-old", "/CN=shop.example", SHOP, "20260105081500Z", "20260405081459Z", "0A1B2C3D4E5F60718293A4B5C6D7E8F90A1B2C3D")
new, newkey = issue("shop-new", "/CN=shop.example", SHOP, "20260306090000Z", "20260604085959Z", "6B0C1D2E3F405162738495A6B7C8D9EAFB0C1D2E")
rsa, _ = issue("shop-rsa", "/CN=shop.example", SHOP, "20260306090400Z", "20260604090359Z", "6B0C1D2E3F405162738495A6B7C8D9EAFB0C1D2F", rsa=True)
issue("precert", "/CN=shop.example", SHOP, "20260306090000Z", "20260604085959Z", "6B0C1D2E3F405162738495A6B7C8D9EAFB0C1D2E",
      extra="1.3.6.1.4.1.11129.2.4.3 = critical,DER:05:00", keyfile=newkey)
wild, _ = issue("wild", "/C=DE/O=Shop, Ltd./CN=*.api.shop.example", "DNS:*.api.shop.example,DNS:api.shop.example,IP:10.0.0.10",
                "20260201000000Z", "20270304235959Z", "00A0B1C2D3E4F5061728")
bucher, _ = issue("idn", "/CN=xn--bcher-kva.example", "DNS:xn--bcher-kva.example", "20260110120000Z", "20260410120000Z", "12345678901234567890")
run("openssl", "req", "-x509", "-config", CONF, "-key", key("self"), "-days", "3650", "-set_serial", "1", "-subj", "/CN=printer.shop.internal",
    "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "subjectAltName=DNS:printer.shop.internal", "-out", "certs/self.pem")
facts("self")
FIELDS = ["name", "sha256", "sha1", "spki", "serial", "issuer", "notBefore", "notAfter"]
write("facts.tsv", "\t".join(FIELDS) + "\n" + "".join("\t".join(f[k] for k in FIELDS) + "\n" for f in FACTS))

pem = {f["name"]: open(f"certs/{f['name']}.pem").read() for f in FACTS}
ca = pem["ca"]
b64 = lambda s: base64.b64encode(s.encode()).decode()
hexof = lambda f: f["serial"].lower()
colon = lambda f: ":".join(hexof(f)[i:i + 2] for i in range(0, len(hexof(f)), 2))

# pem: a directory as a load balancer has it
write("pem/edge/shop.pem", "# combined, as HAProxy reads it\n" + pem["shop-new"] + KEY + ca)
write("pem/edge/shop-rsa.pem", KEY.replace("PRIVATE", "RSA PRIVATE") + pem["shop-rsa"] + ca)
write("pem/wild.cer", run("openssl", "x509", "-in", "certs/wild.pem", "-outform", "DER"))
write("pem/printer.crt", run("openssl", "x509", "-in", "certs/self.pem", "-text"))
write("pem/trusted.pem", run("openssl", "x509", "-in", "certs/idn.pem", "-trustout", "-addtrust", "serverAuth"))
write("pem/app.key", pem["shop-old"])  # not opened: its name says that it is a key
write("pem/README", "No certificate stands here.\n")
write("pem/empty.pem", "nothing yet\n")
write("pem/cut.pem", pem["shop-old"][:300] + "\n")
write("pem/store.p12", "\x30\x82")
write("pem/copy/shop.crt", pem["shop-new"].replace("\n", "\r\n"))
write("bundle.pem", pem["shop-old"] + "\nBag Attributes\n    friendlyName: precertificate of shop-new\n" + pem["precert"] + ca)

# certbot
CONFIG = """# renew_before_expiry = 30 days
version = 4.1.1
archive_dir = /etc/letsencrypt/archive/{0}
cert = /etc/letsencrypt/live/{0}/cert.pem
privkey = /etc/letsencrypt/live/{0}/privkey.pem
chain = /etc/letsencrypt/live/{0}/chain.pem
fullchain = /etc/letsencrypt/live/{0}/fullchain.pem

# Options used in the renewal process
[renewalparams]
authenticator = webroot
[[webroot_map]]
{0} = /var/www
"""
for lineage, generations in (("shop.example", ("shop-old", "shop-new")), ("api.shop.example", ("wild",))):
    for i, name in enumerate(generations, 1):
        base = f"certbot/archive/{lineage}"
        write(f"{base}/cert{i}.pem", pem[name])
        write(f"{base}/chain{i}.pem", ca)
        write(f"{base}/fullchain{i}.pem", pem[name] + ca)
        write(f"{base}/privkey{i}.pem", KEY + pem["idn"])  # not opened
    os.makedirs(f"certbot/live/{lineage}", exist_ok=True)
    for kind in ("cert", "chain", "fullchain", "privkey"):
        link = f"certbot/live/{lineage}/{kind}.pem"
        if lineage == "shop.example":
            os.symlink(f"../../archive/{lineage}/{kind}{len(generations)}.pem", link)
        else:  # a copy that lost its links
            write(link, open(f"certbot/archive/{lineage}/{kind}{len(generations)}.pem").read())
    write(f"certbot/renewal/{lineage}.conf", CONFIG.format(lineage))
write("certbot/renewal/gone.example.conf", CONFIG.format("gone.example"))
write("certbot/live/README", "This directory contains your keys and certificates.\n")

# csv
us = lambda iso: f"{int(iso[5:7])}/{int(iso[8:10])}/{iso[:4]} {(int(iso[11:13]) + 11) % 12 + 1}:{iso[14:19]} {'PM' if int(iso[11:13]) >= 12 else 'AM'}"
plain = lambda h: h.replace(":", "")
write("venafi.csv", '"Certificate Name","Common Name","Subject Alternative Names","Issuer","Serial Number","Thumbprint","Valid From","Valid To","Contacts","Installations","Status","Version Type"\n' +
      "".join(f'"shop","shop.example","DNS:shop.example, DNS:www.shop.example","CN=Shop Internal CA, O=""Shop, Ltd."", C=DE","{f["serial"]}","{plain(f["sha1"])}","{us(f["notBefore"])}","{us(f["notAfter"])}","Web Team","lb-1.shop.internal:443; lb-2.shop.internal:443","OK","{v}"\n'
              for f, v in ((old, "Historical"), (new, "Current"))) +
      '"expected","later.shop.example","","","","","","","Web Team","","Pending",""\n')
write("keyfactor.csv", "Issued DN,Issued CN,Effective Date,Expiration Date,Issuer DN,Serial Number,Thumbprint,Cert State,Requester,SANs\n" +
      f'"CN=*.api.shop.example,O=""Shop, Ltd."",C=DE",*.api.shop.example,2026-02-01T00:00:00,2027-03-04T23:59:59,"CN=Shop Internal CA,O=Shop\\, Ltd.,C=DE",{wild["serial"]},{plain(wild["sha1"])},Active,SHOP\\ops,"DNS Name=*.api.shop.example, DNS Name=api.shop.example, IP Address=10.0.0.10"\n' +
      f'CN=shop.example,shop.example,{old["notBefore"][:10]}T08:15:00,{old["notAfter"][:10]}T08:14:59,"CN=Shop Internal CA,O=Shop\\, Ltd.,C=DE",{old["serial"]},{plain(old["sha1"])},Revoked,SHOP\\ops,\n')
write("servicenow.csv", '"name","subject_common_name","fingerprint","fingerprint_algorithm","serial_number","issuer_common_name","valid_from","valid_to","owned_by","state"\n' +
      f'"shop.example","shop.example","{plain(new["sha256"]).lower()}","SHA-256","{colon(new)}","Shop Internal CA","2026-03-06 09:00:00","2026-06-04 08:59:59","Platform","Issued"\n' +
      '"printer","","","","1","","","","","Installed"\n' + '"nothing","","","","","","","","",""\n')
write("people.csv", "Zertifikate 2026;;;;\r\n;;;;\r\nDomain;Läuft ab;Seriennummer;Owner;Server\r\n" +
      f"www.shop.example;04.06.2026;{int(hexof(new), 16)};Web;10.0.0.7, https://www.shop.example/\r\n" +
      f"bücher.example;10.04.2026;{int(hexof(bucher), 16)};;Regal 3\r\nkaputt.example;1. Mai;1,23457E+20;;\r\n;;;;\r\n")

# kubernetes
SECRET = """apiVersion: v1
kind: Secret
type: kubernetes.io/tls
metadata:
  name: {name}
  namespace: web
  labels: {{team: {team}}}
  annotations:
    kubectl.kubernetes.io/last-applied-configuration: |
      {{"apiVersion":"v1","data":{{"tls.key":"{key}"}},"kind":"Secret"}}
data:
  ca.crt: {ca}
  tls.crt: {crt}
  tls.key: {key}
"""
MANAGED = """apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {{name: {name}, namespace: web, annotations: {{owner: ops}}}}
spec:
  secretName: {secret}
  dnsNames: {names}
  issuerRef: {{name: internal}}
status:
  notBefore: "{nb}"
  notAfter: "{na}"
"""
iso = lambda f, k: f[k].replace(" ", "T").replace("Z", "") + "Z"
write("kubernetes.yaml", "# kubectl get secret,certificate -A -o yaml\n---\n" + SECRET.format(name="shop-tls", team="web", ca=b64(ca), crt=b64(pem["shop-new"] + ca), key=b64(KEY)) +
      "---\n" + MANAGED.format(name="shop", secret="shop-tls", names="[shop.example, www.shop.example]", nb=iso(new, "notBefore"), na=iso(new, "notAfter")) +
      "---\n" + MANAGED.format(name="books", secret="books-tls", names="[bücher.example]", nb=iso(bucher, "notBefore"), na=iso(bucher, "notAfter")) +
      "---\napiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: soon}\nspec: {secretName: soon-tls, dnsNames: [soon.shop.example]}\n" +
      "---\napiVersion: v1\nkind: Secret\nmetadata: {name: redacted, namespace: web}\ntype: kubernetes.io/tls\ndata: {tls.crt: '', tls.key: ''}\n" +
      "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {a: b}\n")
item = lambda name, crt: {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "web"}, "type": "kubernetes.io/tls", "data": {"tls.crt": b64(crt), "tls.key": b64(KEY)}}
write("kubernetes.json", json.dumps({"apiVersion": "v1", "kind": "List", "items": [item("shop-tls", pem["shop-rsa"] + ca), item("api-tls", KEY + pem["wild"])]}, indent=4) + "\n")

# vault
answer = lambda data: json.dumps({"request_id": "d2bd1ac6-7a8f-1a3e-5b0c-8f2f5a3ee1b2", "lease_id": "", "lease_duration": 0, "renewable": False, "data": data, "warnings": None}, indent=2) + "\n"
write("vault-issue.json", answer({"ca_chain": [ca.strip()], "certificate": pem["shop-new"].strip(), "expiration": 1780563599, "issuing_ca": ca.strip(),
                                  "private_key": KEY.strip(), "private_key_type": "ec", "serial_number": colon(new)}) +
      answer({"certificate": pem["shop-old"], "revocation_time": 1772877600, "revocation_time_rfc3339": "2026-03-07T10:00:00Z", "issuer_id": ""}))
write("vault-list.json", json.dumps([colon(old), colon(new)], indent=2) + "\n")
write("vault-detailed.json", answer({"keys": [colon(wild), "10:01"], "key_info": {
    colon(wild): {"common_name": "*.api.shop.example", "dns_names": ["*.api.shop.example", "api.shop.example"], "ip_addresses": ["10.0.0.10"],
                  "issuer": "CN=Shop Internal CA,O=Shop\\, Ltd.,C=DE", "key_bits": 256, "key_type": "ec", "not_after": iso(wild, "notAfter"), "not_before": iso(wild, "notBefore")},
    "10:01": {"common_name": "Shop Internal CA", "dns_names": [], "issuer": "CN=Shop Internal CA,O=Shop\\, Ltd.,C=DE", "not_after": "2036-01-01T00:00:00Z", "not_before": "2026-01-01T00:00:00Z"}}}))

# acm
ARN = "arn:aws:acm:eu-central-1:123456789012:certificate/"
many = [f"n{i}.shop.example" for i in range(100)]
entry = lambda n, name, sans, status, nb, na, more=False: {"CertificateArn": ARN + n, "DomainName": name, "SubjectAlternativeNameSummaries": sans, "HasAdditionalSubjectAlternativeNames": more,
                                                           "Status": status, "Type": "AMAZON_ISSUED", "KeyAlgorithm": "EC-prime256v1", "InUse": True, "NotBefore": nb, "NotAfter": na}
write("acm-list.json", json.dumps({"CertificateSummaryList": [
    entry("1", "shop.example", ["shop.example", "www.shop.example"], "ISSUED", "2026-03-06T10:00:00+01:00", "2026-06-04T10:59:59+02:00"),
    entry("2", "n0.shop.example", many, "ISSUED", 1767225600.0, 1798761599.0, True),
    entry("3", "new.shop.example", ["new.shop.example"], "PENDING_VALIDATION", None, None)]}, indent=4) + "\n")
write("acm-describe.json", json.dumps({"Certificate": {"CertificateArn": ARN + "4", "DomainName": "*.api.shop.example", "SubjectAlternativeNames": ["*.api.shop.example", "api.shop.example"],
      "Serial": colon(wild), "Subject": "CN=*.api.shop.example", "Issuer": "Shop Internal CA", "Status": "EXPIRED", "NotBefore": iso(wild, "notBefore"), "NotAfter": iso(wild, "notAfter"),
      "InUseBy": ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/edge/50dc6c495c0c9188"], "Type": "IMPORTED"}}, indent=4) + "\n")

# crt.sh
log = lambda id, f, names: {"issuer_ca_id": 16418, "issuer_name": 'C=DE, O="Shop, Ltd.", CN=Shop Internal CA', "common_name": names[0], "name_value": "\n".join(names), "id": id,
                            "entry_timestamp": f["notBefore"].replace(" ", "T")[:19] + ".123", "not_before": f["notBefore"].replace(" ", "T")[:19],
                            "not_after": f["notAfter"].replace(" ", "T")[:19], "serial_number": hexof(f), "result_count": 3}
shop = ["shop.example", "www.shop.example"]
write("crtsh.json", json.dumps([log(9003, new, shop), log(9002, new, shop), log(9004, rsa, shop), log(9001, old, shop), log(9005, wild, ["*.api.shop.example", "api.shop.example", "ops@shop.example"])]) + "\n")
