/* What a page does beyond its markup. Everything works without it; nothing here decides anything. */

document.documentElement.classList.add("js");

document.addEventListener("DOMContentLoaded", () => {
  "use strict";

  const one = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const csrf = (form) => one("input[name=csrfmiddlewaretoken]", form)?.value ?? "";

  // Errors: the summary gets the focus, and its links put it into the field.
  const summary = one("[data-error-summary]");
  if (summary) {
    summary.focus();
    summary.addEventListener("click", (event) => {
      const link = event.target.closest("a[href^='#']");
      const field = link && document.getElementById(decodeURIComponent(link.hash.slice(1)));
      if (!field) return;
      event.preventDefault();
      (field.closest(".field") ?? field).scrollIntoView({ block: "start" });
      field.focus({ preventScroll: true });
    });
  }

  // One press, one submission. A page that comes back from the history can submit again; so can, after a while, a form
  // that answers with a file and so leaves the page standing (data-download).
  const release = (form) => {
    delete form.dataset.sent;
    all("[aria-busy=true]", form).forEach((button) => {
      button.removeAttribute("aria-busy");
      button.removeAttribute("aria-disabled");
      button.textContent = button.dataset.words;
    });
  };
  all("form[method=post]:not([data-session])").forEach((form) => {
    form.addEventListener("submit", (event) => {
      if (event.defaultPrevented) return;
      if (form.dataset.sent) {
        event.preventDefault();
        return;
      }
      form.dataset.sent = "1";
      const button = event.submitter;
      if (!button) return;
      // After this turn, so that the button's own name and value still travel.
      setTimeout(() => {
        button.dataset.words = button.textContent;
        button.setAttribute("aria-busy", "true");
        button.setAttribute("aria-disabled", "true");
        if (button.classList.contains("button")) button.textContent = document.body.dataset.busy;
        if ("download" in form.dataset) setTimeout(() => release(form), 4000);
      });
    });
  });
  window.addEventListener("pageshow", () => all("form[data-sent]").forEach(release));

  // Fields that only some choices need are hidden while another is chosen: what they hold is not used then.
  all("[data-shown-by]").forEach((input) => {
    const chooser = input.form?.elements[input.dataset.shownBy];
    const frame = input.closest(".field");
    if (!chooser || !frame || input.type === "hidden" || frame.matches(".field--wrong")) return;
    const show = () => { frame.hidden = !input.dataset.shownFor.split(" ").includes(chooser.value); };
    chooser.addEventListener("change", show);
    show();
  });

  // Menus
  const menu = one("[data-menu]");
  if (menu) {
    const ways = document.getElementById(menu.getAttribute("aria-controls"));
    menu.hidden = false;
    menu.addEventListener("click", () => {
      const open = ways.toggleAttribute("data-open");
      menu.setAttribute("aria-expanded", String(open));
    });
  }
  const drops = all("details.drop");
  document.addEventListener("click", (event) => {
    drops.forEach((drop) => {
      if (!drop.contains(event.target)) drop.open = false;
    });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    drops.filter((drop) => drop.open).forEach((drop) => {
      drop.open = false;
      if (drop.contains(document.activeElement)) one("summary", drop).focus();
    });
  });

  // 长辈版: at once, without losing what was typed; the link alone does it with a reload.
  all("[data-elder-toggle]").forEach((link) => {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const on = document.documentElement.toggleAttribute("data-elder");
      const year = 365 * 24 * 60 * 60;
      document.cookie = `elder=${on ? 1 : 0}; path=/; max-age=${year}; SameSite=Lax`;
      link.textContent = on ? link.dataset.on : link.dataset.off;
      link.href = link.href.replace(/on=[01]/, `on=${on ? 0 : 1}`);
    });
  });

  // Passwords can be shown, and are hidden again before they are sent.
  all("[data-show-password]").forEach((button) => {
    const input = document.getElementById(button.dataset.showPassword);
    if (!input) return;
    const show = (shown) => {
      input.type = shown ? "text" : "password";
      button.setAttribute("aria-pressed", String(shown));
      button.textContent = shown ? button.dataset.on : button.dataset.off;
    };
    button.hidden = false;
    button.addEventListener("click", () => show(input.type === "password"));
    input.form?.addEventListener("submit", () => show(false));
  });

  // Another captcha picture, or a question in words instead
  all("[data-captcha]").forEach((captcha) => {
    const status = one("[data-captcha-status]", captcha.parentElement);
    const another = one("[data-captcha-refresh]", captcha);
    const words = one("[data-captcha-words]", captcha);
    const renew = async (address, button) => {
      button.disabled = true;
      try {
        const answer = await fetch(address, { headers: { "X-Requested-With": "XMLHttpRequest" } });
        if (!answer.ok) throw new Error(String(answer.status));
        const fresh = await answer.json();
        one("[data-captcha-key]", captcha).value = fresh.key;
        const asked = one("[data-captcha-question]", captcha);
        if (fresh.question) asked.textContent = fresh.question;
        else one("img", captcha).src = fresh.image_url;
        const input = one("input", captcha);
        input.value = "";
        input.focus();
        status.textContent = fresh.question || another.dataset.done;
        return true;
      } catch {
        window.location.reload();
        return false;
      } finally {
        button.disabled = false;
      }
    };
    another.hidden = false;
    another.addEventListener("click", () => renew(another.dataset.captchaRefresh, another));
    if (!words) return;
    words.type = "button";
    words.addEventListener("click", async () => {
      if (!(await renew(words.dataset.captchaWords, words))) return;
      one("img", captcha).hidden = true;
      one("[data-captcha-question]", captcha).hidden = false;
      one("[data-captcha-flag]", captcha).disabled = false;
      another.dataset.captchaRefresh = words.dataset.captchaWords;
      another.textContent = words.dataset.other;
      one("[data-captcha-hint]", captcha.parentElement).textContent = words.dataset.hint;
      words.hidden = true;
    });
  });

  // A chosen file: its name and size, and whether it is too big, before it is sent.
  const size = (bytes) => (bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`);
  all("[data-file]").forEach((frame) => {
    const input = one("input[type=file]", frame);
    const chosen = one(".file__chosen", frame);
    if (!input || !chosen) return;
    input.addEventListener("change", () => {
      const files = Array.from(input.files);
      const most = Number(input.dataset.maxBytes || 0);
      const tooBig = most > 0 && files.some((file) => file.size > most);
      chosen.textContent = files.map((file) => `${file.name}（${size(file.size)}）`).join("、");
      if (tooBig) {
        chosen.textContent += ` ${frame.dataset.tooBig}`;
        input.value = "";
      }
      chosen.classList.toggle("file__chosen--wrong", tooBig);
    });
  });

  // The minutes that are left, counted down
  all("[data-minutes-left]").forEach((element) => {
    const end = Date.now() + Number(element.textContent) * 60000;
    const timer = setInterval(() => {
      const left = Math.max(0, Math.floor((end - Date.now()) / 60000));
      element.textContent = String(left);
      if (left === 0) clearInterval(timer);
    }, 15000);
  });

  // Copy a number
  all("[data-copy]").forEach((button) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
      const words = button.textContent;
      const status = one("[role=status]", button.parentElement);
      button.textContent = button.dataset.done;
      if (status) status.textContent = button.dataset.done;
      setTimeout(() => {
        button.textContent = words;
        if (status) status.textContent = "";
      }, 2000);
    });
  });

  // Print, with everything that can be opened open
  all("[data-print]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  });
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = all("main details:not([open])");
    opened.forEach((details) => (details.open = true));
  });
  window.addEventListener("afterprint", () => opened.forEach((details) => (details.open = false)));

  // A table that a phone draws as cards stays a table for a screen reader.
  const roles = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TFOOT: "rowgroup", TR: "row", TD: "cell" };
  all(".table--cards").forEach((table) => {
    [table, ...all("*", table)].forEach((part) => {
      const role = roles[part.tagName] ?? (part.tagName === "TH" && (part.scope === "row" ? "rowheader" : "columnheader"));
      if (role && !part.hasAttribute("role")) part.setAttribute("role", role);
    });
  });

  // Progress that goes on while one looks. The server ends it with status 286; a hidden page does not ask.
  all("[data-poll]").forEach((element) => {
    const wait = 1000 * Number(element.dataset.pollEvery || 5);
    const look = async () => {
      if (!document.hidden) {
        try {
          const answer = await fetch(element.dataset.poll, { headers: { "X-Requested-With": "XMLHttpRequest" } });
          // Where there is nothing more to look at, the server says where the page goes on.
          const on = answer.headers.get("Hall-Go");
          if (on) {
            window.location.assign(on);
            return;
          }
          if (answer.ok && !answer.redirected) element.innerHTML = await answer.text();
          if (answer.status === 286 || answer.status === 403 || answer.status === 404 || answer.redirected) return;
        } catch {
          // The network was away; the next look may find it.
        }
      }
      setTimeout(look, wait);
    };
    setTimeout(look, wait);
  });

  // What is typed into an application is kept by itself; the page says so only once the server has. A form that is left with
  // something unsaved asks first.
  const kept = { dirty: false, at: "", save: async () => false, prolong: () => {} };
  const guarded = one("main form[data-guard]");
  if (guarded) {
    guarded.addEventListener("input", () => (kept.dirty = true));
    guarded.addEventListener("change", () => (kept.dirty = true));
    window.addEventListener("beforeunload", (event) => {
      if (!kept.dirty || guarded.dataset.sent) return;
      kept.save();
      event.preventDefault();
    });
  }
  const typing = one("main form[data-autosave]");
  if (typing) {
    const status = one("[data-autosave-status]", typing);
    let waiting = 0;
    let running = null;
    const send = async () => {
      const typed = new FormData(typing);
      typed.set("action", "autosave");
      typed.set("seen", typing.dataset.seen);
      // Not the property: the buttons are called action, too.
      const answer = await fetch(typing.getAttribute("action"), {
        method: "POST",
        headers: { "X-Requested-With": "XMLHttpRequest" },
        body: typed,
        redirect: "manual",
        keepalive: true,
      }).catch(() => null);
      if (typing.dataset.sent) return false;
      if (!answer?.ok) {
        kept.dirty = true;
        status.textContent = { 401: status.dataset.over, 409: status.dataset.changed }[answer?.status] ?? status.dataset.failed;
        return false;
      }
      const { at, seen, action, ends_in: endsIn } = await answer.json();
      kept.prolong(endsIn);
      typing.dataset.seen = seen;
      typing.setAttribute("action", action);
      kept.at = at;
      status.textContent = `${status.dataset.saved} ${at}`;
      return true;
    };
    // One at a time, so that an older one never arrives after a newer.
    kept.save = async () => {
      clearTimeout(waiting);
      while (running) await running;
      if (!kept.dirty || typing.dataset.sent) return !kept.dirty;
      kept.dirty = false;
      running = send();
      const done = await running;
      running = null;
      return done;
    };
    const soon = (milliseconds) => {
      clearTimeout(waiting);
      waiting = setTimeout(kept.save, milliseconds);
    };
    typing.addEventListener("input", () => soon(3000));
    typing.addEventListener("change", () => soon(300));
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) kept.save();
    });
  }

  // The session warns two minutes before it ends. What was typed is kept then; keeping it prolongs the session on the server, so
  // that the page itself logs out when the time is up.
  const meta = one("meta[name=session-ends-in]");
  const dialog = one("#session-dialog");
  if (meta && dialog) {
    const form = one("form", dialog);
    const left = one("[data-session-left]", dialog);
    const status = one("[data-session-status]", dialog);
    const over = one("[data-session-over]", dialog);
    const login = one("[data-session-login]", dialog);
    const extend = one("[data-session-extend]", dialog);
    const warning = one("[data-session-warning]", dialog);
    const saved = one("[data-session-saved]", dialog);
    const unsaved = one("[data-session-unsaved]", dialog);
    // What is not kept is sent as it stands: the hall keeps it until its owner is in again.
    const sendUnsaved = (event) => {
      if (!guarded || unsaved.hidden) return;
      event.preventDefault();
      const button = one("button[name=action][value=save]", guarded) ?? one("button[type=submit]", guarded);
      guarded.requestSubmit(button);
    };
    login.addEventListener("click", sendUnsaved);
    const warnAt = 120;
    // Pages in other tabs prolong the same session: the latest end, told through the browser's storage, is the one that counts.
    const shared = "session-ends";
    let ends = 0;
    const prolong = (seconds) => {
      ends = Date.now() + 1000 * seconds;
      try {
        localStorage.setItem(shared, String(ends));
      } catch {
        // Without storage each tab counts for itself.
      }
    };
    const latest = () => {
      try {
        return Math.max(ends, Number(localStorage.getItem(shared)) || 0);
      } catch {
        return ends;
      }
    };
    prolong(Number(meta.content));
    kept.prolong = prolong;

    const post = (url, body = null) =>
      fetch(url, { method: "POST", headers: { "X-CSRFToken": csrf(form) }, body, redirect: "manual" });
    const { minutes, seconds: unit } = dialog.dataset;
    const words = (seconds) => (seconds >= 60 ? `${Math.floor(seconds / 60)} ${minutes} ` : "") + `${seconds % 60} ${unit}`;
    const tick = () => {
      const seconds = Math.max(0, Math.round((latest() - Date.now()) / 1000));
      if (seconds > warnAt && dialog.open) dialog.close();
      if (seconds <= warnAt && !dialog.open) {
        dialog.showModal();
        if (seconds > 0) kept.save();
      }
      if (!dialog.open) return;
      left.textContent = words(seconds);
      if (seconds > 0 && seconds % 30 === 0) status.textContent = words(seconds);
      if (seconds === 0) {
        clearInterval(timer);
        [warning, extend].forEach((element) => (element.hidden = true));
        [over, login].forEach((element) => (element.hidden = false));
        one("#session-title", dialog).textContent = dialog.dataset.overTitle;
        login.focus();
        kept.save().then((done) => {
          if (done && kept.at) {
            one("[data-session-saved-at]", dialog).textContent = kept.at;
            saved.hidden = false;
          }
          unsaved.hidden = !kept.dirty;
          const why = new FormData();
          why.append("reason", "timeout");
          return post(dialog.dataset.logout, why);
        }).catch(() => null);
      }
    };
    const timer = setInterval(tick, 1000);

    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        const answer = await post(form.action);
        if (!answer.ok) throw new Error(String(answer.status));
        prolong(Number((await answer.json()).ends_in));
        dialog.close();
      } catch {
        prolong(0);
        tick();
      }
    });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      form.requestSubmit();
    });
  }
});
