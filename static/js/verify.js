/* The page that a QR code opens: the last four characters stand in the code's signed summary, after the # of the address. */

document.addEventListener("DOMContentLoaded", () => {
  "use strict";

  const form = document.querySelector("form[data-by-code]");
  const summary = form && Summary.read(location.hash);
  if (!summary) return;
  form.elements.last_four.value = summary.lastFour;
  form.elements.way.value = "qr";
  // Going back from the answer leads to the filled form, and not to the answer again.
  history.replaceState(null, "", location.pathname);
  form.requestSubmit(form.querySelector("button[type=submit]"));
});
