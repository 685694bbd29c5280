/** A sealed box (libsodium's crypto_box_seal) in base64: only the holder of the private key can open it. */
export async function seal(value: string, publicKey: string): Promise<string> {
  // Loaded when first needed: it unpacks half a megabyte of WebAssembly.
  const { default: sodium } = await import("libsodium-wrappers");
  await sodium.ready;
  const box = sodium.crypto_box_seal(value, Buffer.from(publicKey, "base64"));
  return Buffer.from(box).toString("base64");
}
