/* Serves many identities with TLS 1.3: PORT CHAIN KEY STAPLE AUTH, five
 * arguments each, "-" for none. */
#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int accept_any(int ok, X509_STORE_CTX *ctx) { return 1; }

static SSL_CTX *context(char **arg) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_method());
  SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
  SSL_CTX_set1_curves_list(ctx, "X25519:P-256");
  if (SSL_CTX_use_certificate_chain_file(ctx, arg[1]) != 1 ||
      SSL_CTX_use_PrivateKey_file(ctx, arg[2], SSL_FILETYPE_PEM) != 1) {
    ERR_print_errors_fp(stderr);
    return NULL;
  }
  /* BoringSSL signs with Ed25519 only where it is told to. */
  if (EVP_PKEY_id(SSL_CTX_get0_privatekey(ctx)) == EVP_PKEY_ED25519) {
    uint16_t ed25519 = SSL_SIGN_ED25519;
    SSL_CTX_set_signing_algorithm_prefs(ctx, &ed25519, 1);
  }
  if (strcmp(arg[3], "-") != 0) {
    static uint8_t staple[16384];
    FILE *f = fopen(arg[3], "rb");
    size_t n = f ? fread(staple, 1, sizeof staple, f) : 0;
    SSL_CTX_set_ocsp_response(ctx, staple, n);
    if (f) fclose(f);
  }
  if (strcmp(arg[4], "-") != 0) {
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, accept_any);
    if (arg[4][0] == '/') SSL_CTX_set_client_CA_list(ctx, SSL_load_client_CA_file(arg[4]));
  }
  return ctx;
}

static void serve(int port, SSL_CTX *ctx) {
  int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 50) != 0) {
    perror("listen");
    exit(1);
  }
  for (;;) {
    int c = accept(fd, NULL, NULL);
    if (c < 0) continue;
    struct timeval limit = {2, 0};
    setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, c);
    char b;
    if (SSL_accept(ssl) == 1) SSL_read(ssl, &b, 1);
    SSL_free(ssl);
    close(c);
  }
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  for (int i = 1; i + 4 < argc; i += 5) {
    if (fork() != 0) continue;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    SSL_CTX *ctx = context(argv + i);
    if (ctx) serve(atoi(argv[i]), ctx);
    exit(1);
  }
  for (;;) pause();
}
