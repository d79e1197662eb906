# Varnish in front of a bucket: keeps what signed URLs of the store have fetched, each under its whole URL, and never
# longer than the URL lives. Whoever has another URL, or none, is sent on to the store, which refuses.
#
# Stowage's settings that belong to it:
#   S3_PUBLIC_ENDPOINT=https://files.example.org    what clients reach this Varnish by; signatures cover the host
#   CDN_URL=https://files.example.org/BUCKET        paths of the bucket, so that deletes can be purged
#   CDN_ORIGIN=store
#   CDN_PURGE_URL=http://127.0.0.1:6081
# and no CDN_KEY_PAIR_ID: the store's own signatures stay in use.
#
# For S3 and compatible stores, Azure Blob Storage (`se` of a SAS) and Google Cloud Storage. A cache that keeps one
# copy for all readers, and refuses at once what was deleted, is the one in front of the service: service.vcl.
vcl 4.1;

import std;

backend store {
  .host = "127.0.0.1";
  .port = "9000";
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
  if (req.method == "PURGE") {
    if (client.ip !~ purgers) {
      return (synth(403, "Not yours to purge"));
    }
    ban("obj.http.x-cache-path == " + regsub(req.url, "\?.*$", ""));
    return (synth(200, "Purged"));
  }
  # Uploads, and requests whose permission is not in the URL.
  if ((req.method != "GET" && req.method != "HEAD") || req.http.authorization) {
    return (pass);
  }
  # Only what is signed is kept: a bucket that was left public by mistake is not made more so.
  if (req.url !~ "[?&](X-Amz-Signature|X-Goog-Signature|sig)=") {
    return (pass);
  }
  unset req.http.cookie;
  return (hash);
}

sub vcl_hash {
  hash_data(req.http.host);
  hash_data(req.url);
  return (lookup);
}

sub vcl_backend_response {
  set beresp.http.x-cache-path = regsub(bereq.url, "\?.*$", "");
  if (bereq.uncacheable) {
    return (deliver);
  }
  set beresp.ttl = 0s;
  if (beresp.status == 200) {
    # The end of the URL's life, from the URL.
    if (bereq.url ~ "[?&]X-(Amz|Goog)-Date=\d{8}T\d{6}Z") {
      set beresp.http.x-cache-end = regsub(bereq.url,
        "^.*[?&]X-(?:Amz|Goog)-Date=(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z.*$", "\1-\2-\3T\4:\5:\6");
      set beresp.ttl = std.time(beresp.http.x-cache-end, now - 1y)
        + std.duration(regsub(bereq.url, "^.*[?&]X-(?:Amz|Goog)-Expires=(\d+).*$", "\1s"), 0s) - now;
    } else if (bereq.url ~ "[?&]se=\d{4}-\d\d-\d\dT\d\d(:|%3A)\d\d(:|%3A)\d\dZ") {
      set beresp.http.x-cache-end = regsub(bereq.url,
        "^.*[?&]se=(\d{4}-\d\d-\d\dT\d\d)(?::|%3A)(\d\d)(?::|%3A)(\d\d)Z.*$", "\1:\2:\3");
      set beresp.ttl = std.time(beresp.http.x-cache-end, now - 1y) - now;
    }
    unset beresp.http.x-cache-end;
  }
  # What has ended has ended: nothing is served from here afterwards, not even while a fresh copy is fetched.
  set beresp.grace = 0s;
  set beresp.keep = 0s;
  if (beresp.ttl <= 0s || beresp.http.cache-control ~ "no-store" || beresp.http.vary ~ "\*") {
    set beresp.uncacheable = true;
    set beresp.ttl = 10s;
  }
  return (deliver);
}

sub vcl_deliver {
  unset resp.http.x-cache-path;
  if (obj.hits > 0) {
    set resp.http.x-cache = "hit";
  } else {
    set resp.http.x-cache = "miss";
  }
}
