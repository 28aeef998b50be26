/* The signed summary in a proof's QR code (COSE_Sign1, ES256, written as one decimal number): reading it, and checking its
   signature with the browser's own cryptography. Knows no page. */

const Summary = (() => {
  "use strict";

  const ES256 = -7;
  const VERSION = 1;

  // The few kinds of CBOR that a summary is made of. Whatever else comes is no summary.
  const decode = (bytes) => {
    let place = 0;
    const take = (count) => {
      if (place + count > bytes.length) throw new Error("cut off");
      place += count;
      return bytes.subarray(place - count, place);
    };
    const size = (more) => {
      if (more < 24) return more;
      const count = { 24: 1, 25: 2, 26: 4 }[more];
      if (!count) throw new Error("too long");
      return take(count).reduce((sum, byte) => sum * 256 + byte, 0);
    };
    const item = (depth) => {
      if (depth > 4) throw new Error("too deep");
      const [head] = take(1);
      const count = size(head & 31);
      switch (head >> 5) {
        case 0: return count;
        case 1: return -1 - count;
        case 2: return take(count);
        case 3: return new TextDecoder("utf-8", { fatal: true }).decode(take(count));
        case 4: return Array.from({ length: count }, () => item(depth + 1));
        case 5: {
          const map = new Map();
          for (let each = 0; each < count; each += 1) {
            const key = item(depth + 1);
            map.set(key, item(depth + 1));
          }
          return map;
        }
        default: throw new Error("unexpected");
      }
    };
    const value = item(0);
    if (place !== bytes.length) throw new Error("something follows");
    return value;
  };

  const fromDigits = (digits) => {
    const hex = BigInt(digits).toString(16);
    const even = hex.length % 2 ? `0${hex}` : hex;
    return Uint8Array.from(even.match(/../g), (pair) => parseInt(pair, 16));
  };
  const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const fromHex = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
  const base64url = (bytes) =>
    btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

  // A byte string of CBOR, as COSE wants it in what is signed.
  const byteString = (bytes) => {
    const head = bytes.length < 24 ? [0x40 + bytes.length]
      : bytes.length < 256 ? [0x58, bytes.length] : [0x59, bytes.length >> 8, bytes.length & 255];
    return [...head, ...bytes];
  };
  const signed = (header, content) =>
    Uint8Array.from([0x84, 0x6a, ...new TextEncoder().encode("Signature1"), ...byteString(header), 0x40, ...byteString(content)]);

  const day = (number) => {
    const text = String(number);
    if (!/^\d{8}$/.test(text)) throw new Error("no day");
    return `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}`;
  };

  /* What the text of a QR code says, or null where it carries no summary. */
  const read = (text) => {
    const found = /^(?:\S*#)?(\d{100,2000})$/.exec(text.trim());
    if (!found) return null;
    try {
      const [header, , content, signature] = decode(fromDigits(found[1]));
      const head = decode(header);
      const said = decode(content);
      if (head.get(1) !== ES256 || said.get(0) !== VERSION) return null;
      return {
        serialNumber: String(said.get(1)),
        kind: String(said.get(2)),
        name: String(said.get(3)),
        lastFour: String(said.get(4)),
        factsDigest: toHex(said.get(5)),
        issuedOn: day(said.get(6)),
        validUntil: said.has(7) ? day(said.get(7)) : "",
        keyId: toHex(head.get(4)),
        signed: signed(header, content),
        signature,
      };
    } catch {
      return null;
    }
  };

  /* Whether one of the keys ({key id: {x, y}} in hexadecimal) has signed it. */
  const isSigned = async (summary, keys) => {
    const point = Object.hasOwn(keys, summary.keyId) ? keys[summary.keyId] : null;
    if (!point) return false;
    const jwk = { kty: "EC", crv: "P-256", x: base64url(fromHex(point.x)), y: base64url(fromHex(point.y)) };
    const key = await crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["verify"]);
    return crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, summary.signature, summary.signed);
  };

  return { read, isSigned };
})();
