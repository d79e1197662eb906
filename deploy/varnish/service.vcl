# Varnish in front of Stowage: keeps the bytes of assets, and gives private ones only to who Stowage says may have them.
#
# Stowage's settings that belong to it:
#   CDN_URL=https://files.example.org     what clients reach this Varnish by (TLS ends before it)
#   CDN_ORIGIN=service                    Varnish fetches from Stowage, wherever the bucket is
#   CDN_KEY_PAIR_ID, CDN_PRIVATE_KEY      signs the URLs below /cdn/; any RSA key of 2048 bits, any id
#   CDN_PURGE_URL=http://127.0.0.1:6081   where this Varnish listens for PURGE
#   TRUST_PROXY=127.0.0.1                 the address that this Varnish has for Stowage
# CDN_ORIGIN_SECRET is not among them: it is for edges that check signatures themselves, which this one does not.
#
# Needs Varnish 6.0 or newer, and nothing besides.
vcl 4.1;

import std;

backend stowage {
  .host = "127.0.0.1";
  .port = "3000";
  .connect_timeout = 3s;
  .first_byte_timeout = 60s;
  .between_bytes_timeout = 60s;
}

# Who may make this cache forget: the nodes of Stowage.
acl purgers {
  "localhost";
  "127.0.0.1";
  "::1";
}

sub vcl_recv {
  # Only this file may say these.
  if (req.restarts == 0) {
    unset req.http.x-allowed;
    unset req.http.x-asked-method;
    unset req.http.x-asked-range;
    unset req.http.x-asked-if-range;
    unset req.http.x-asked-if-none-match;
    unset req.http.x-asked-cache-control;
    unset req.http.x-stowage-origin-secret;
  }

  if (req.method == "PURGE") {
    if (client.ip !~ purgers) {
      return (synth(403, "Not yours to purge"));
    }
    # Every variant of the path, whatever its query and host. Written so that Varnish can clean up by itself.
    ban("obj.http.x-cache-path == " + regsub(req.url, "\?.*$", ""));
    return (synth(200, "Purged"));
  }

  # The API, and everything that is written to the access log when it is read, is none of a cache's business.
  if ((req.method != "GET" && req.method != "HEAD") || req.url !~ "^/(cdn|public)/") {
    return (pass);
  }
  unset req.http.cookie;
  unset req.http.authorization;

  # A private asset: Stowage is asked first whether this URL may have it, with a HEAD that costs no bytes.
  if (req.url ~ "^/cdn/" && !req.http.x-allowed) {
    set req.http.x-asked-method = req.method;
    if (req.http.range) { set req.http.x-asked-range = req.http.range; }
    if (req.http.if-range) { set req.http.x-asked-if-range = req.http.if-range; }
    if (req.http.if-none-match) { set req.http.x-asked-if-none-match = req.http.if-none-match; }
    unset req.http.range;
    unset req.http.if-range;
    unset req.http.if-none-match;
    set req.method = "HEAD";
    return (pass);
  }
  return (hash);
}

sub vcl_hash {
  # One copy of an asset for all its URLs: who may have it has been asked. There is one Stowage behind, so a host that
  # somebody made up makes no copy of its own, which no purge would name.
  hash_data(regsub(req.url, "\?.*$", ""));
  return (lookup);
}

sub vcl_backend_response {
  if (bereq.url ~ "^/(cdn|public)/") {
    set beresp.http.x-cache-path = regsub(bereq.url, "\?.*$", "");
    unset beresp.http.set-cookie;
    # What has ended has ended: nothing is served while a fresh copy is fetched.
    set beresp.grace = 0s;
  }
  if (bereq.url ~ "^/cdn/" && beresp.status == 200 && bereq.method == "GET" && !bereq.uncacheable
      && beresp.http.cache-control !~ "no-store") {
    # The bytes under a key never change, and each request is judged by Stowage: how long a browser may keep them, which
    # Cache-Control says, does not matter here.
    set beresp.ttl = 1d;
    return (deliver);
  }
  # The rest as Cache-Control says: Varnish's own rules follow.
}

sub vcl_deliver {
  # The answer to whether the URL may have the asset.
  if (req.http.x-asked-method && !req.http.x-allowed) {
    if (resp.status == 200) {
      set req.http.x-allowed = "yes";
      set req.method = req.http.x-asked-method;
      if (req.http.x-asked-range) { set req.http.range = req.http.x-asked-range; }
      if (req.http.x-asked-if-range) { set req.http.if-range = req.http.x-asked-if-range; }
      if (req.http.x-asked-if-none-match) { set req.http.if-none-match = req.http.x-asked-if-none-match; }
      # What this URL's holder is told, not what the first one was: how long it lives differs from URL to URL.
      set req.http.x-asked-cache-control = resp.http.cache-control;
      return (restart);
    }
    # A refusal goes back as it is. It came without a body, as to a HEAD.
  }
  if (req.http.x-allowed && req.http.x-asked-cache-control) {
    set resp.http.cache-control = req.http.x-asked-cache-control;
  }
  unset resp.http.x-cache-path;
  unset resp.http.cdn-cache-control;
  if (obj.hits > 0) {
    set resp.http.x-cache = "hit";
  } else {
    set resp.http.x-cache = "miss";
  }
}
