/* Passkeys: asks the hall for the question, the browser for the answer, and sends it with the form. What counts, the hall decides. */

(() => {
  "use strict";

  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (one) => one.charCodeAt(0));
  const text = (buffer) =>
    btoa(Array.from(new Uint8Array(buffer), (one) => String.fromCharCode(one)).join(""))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = (keys) => (keys ?? []).map((key) => ({ ...key, id: bytes(key.id) }));

  const make = async (options) => {
    options.challenge = bytes(options.challenge);
    options.user.id = bytes(options.user.id);
    options.excludeCredentials = named(options.excludeCredentials);
    const made = await navigator.credentials.create({ publicKey: options });
    return answer(made, {
      attestationObject: text(made.response.attestationObject),
      transports: made.response.getTransports?.() ?? [],
    });
  };

  const use = async (options) => {
    options.challenge = bytes(options.challenge);
    options.allowCredentials = named(options.allowCredentials);
    const used = await navigator.credentials.get({ publicKey: options });
    return answer(used, {
      authenticatorData: text(used.response.authenticatorData),
      signature: text(used.response.signature),
      userHandle: used.response.userHandle ? text(used.response.userHandle) : null,
    });
  };

  const answer = (key, response) => ({
    id: key.id,
    rawId: text(key.rawId),
    type: key.type,
    clientExtensionResults: key.getClientExtensionResults(),
    response: { clientDataJSON: text(key.response.clientDataJSON), ...response },
  });

  class Told extends Error {}

  const ask = async (form) => {
    const reply = await fetch(form.dataset.options, {
      method: "POST",
      headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
      redirect: "manual",
    });
    if (reply.status === 422) throw new Told((await reply.json()).detail);
    if (!reply.ok) throw new Error(String(reply.status));
    return reply.json();
  };

  // What the browser calls a failure → what the form has words for.
  const WHY = {
    NotAllowedError: "cancelled",
    AbortError: "cancelled",
    InvalidStateError: "there",
    ConstraintError: "unable",
    NotSupportedError: "unable",
  };

  const say = (form, words, wrong) => {
    const place = form.querySelector("[data-passkey-said]");
    const said = document.createElement("p");
    said.textContent = words;
    said.className = wrong ? "banner banner--error" : "";
    place.replaceChildren(said);
  };

  // Before the page's own listeners, which take a form that is sent for sent.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.dataset.passkey || form.elements.passkey.value) return;
    // The hall says beside the field what is wrong with it.
    if (form.elements.name?.value?.trim() === "") return;
    event.preventDefault();
    event.stopPropagation();
    if (form.dataset.asking) return;
    if (!window.PublicKeyCredential || !navigator.credentials) {
      say(form, form.dataset.none, true);
      return;
    }
    form.dataset.asking = "1";
    say(form, form.dataset.waiting, false);
    try {
      const options = await ask(form);
      const given = await (form.dataset.passkey === "add" ? make(options) : use(options));
      form.elements.passkey.value = JSON.stringify(given);
      form.requestSubmit();
    } catch (problem) {
      say(form, problem instanceof Told ? problem.message : form.dataset[WHY[problem.name] ?? "failed"], true);
    } finally {
      delete form.dataset.asking;
    }
  }, true);

  // Come back to from the history, a form asks anew.
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-passkey]").forEach((form) => {
      form.elements.passkey.value = "";
    });
  });
})();
