/* The rate of libsecp256k1 itself, called from C: what no engine in a JavaScript process can exceed.
   Prototypes stand here because the library's headers are a package of their own. */
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct ctx ctx;
ctx *secp256k1_context_create(unsigned flags);
int secp256k1_keypair_create(const ctx *, unsigned char *pair, const unsigned char *secret);
int secp256k1_keypair_xonly_pub(const ctx *, unsigned char *key, int *parity, const unsigned char *pair);
int secp256k1_keypair_pub(const ctx *, unsigned char *key, const unsigned char *pair);
int secp256k1_schnorrsig_sign32(const ctx *, unsigned char *sig, const unsigned char *digest, const unsigned char *pair,
                                const unsigned char *aux);
int secp256k1_schnorrsig_verify(const ctx *, const unsigned char *sig, const unsigned char *digest, size_t length,
                                const unsigned char *key);
int secp256k1_ecdh(const ctx *, unsigned char *out, const unsigned char *point, const unsigned char *secret, void *hash,
                   void *data);

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

int main(void) {
  ctx *c = secp256k1_context_create(0x301);
  unsigned char secret[32], digest[32], pair[96], key[64], point[64], sig[64], out[32];
  memset(secret, 7, 32);
  memset(digest, 9, 32);
  if (!secp256k1_keypair_create(c, pair, secret) || !secp256k1_keypair_xonly_pub(c, key, NULL, pair) ||
      !secp256k1_keypair_pub(c, point, pair))
    return 1;
  int n, good = 1;
  double rates[3], begin = now();
  for (n = 0; now() - begin < 0.3; n++) {
    digest[n & 31]++;
    good &= secp256k1_keypair_create(c, pair, secret) && secp256k1_schnorrsig_sign32(c, sig, digest, pair, secret);
  }
  rates[1] = n / (now() - begin);
  begin = now();
  for (n = 0; now() - begin < 0.3; n++) good &= secp256k1_schnorrsig_verify(c, sig, digest, 32, key);
  rates[0] = n / (now() - begin);
  begin = now();
  for (n = 0; now() - begin < 0.3; n++) good &= secp256k1_ecdh(c, out, point, secret, NULL, NULL);
  rates[2] = n / (now() - begin);
  if (!good) return 1;
  printf("{\"verify\":%.0f,\"sign\":%.0f,\"sharedX\":%.0f}\n", rates[0], rates[1], rates[2]);
  return 0;
}
