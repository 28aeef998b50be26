"use strict";

// The workbench by keyboard: the admin theme opens its menu and filters by elements that the Tab key passes over.
document.addEventListener("DOMContentLoaded", () => {
  // The theme marks no main part.
  document.getElementById("main")?.setAttribute("role", "main");
  // Its landmarks have no names of their own.
  document.getElementById("nav-sidebar-inner")?.setAttribute("aria-label", "工作台菜单");
  for (const links of document.querySelectorAll("#nav-sidebar-inner nav")) links.setAttribute("aria-label", "账号");

  const nameless = { dock_to_right: "打开或收起菜单" };
  for (const element of document.querySelectorAll("span[x-on\\:click], div[x-on\\:click], a[x-on\\:click]:not([href])")) {
    const icon = nameless[element.textContent.trim()];
    if (element.id === "changelist-filter-close" || (!icon && !element.textContent.trim())) continue;
    element.tabIndex = 0;
    element.setAttribute("role", "button");
    if (icon) element.setAttribute("aria-label", icon);
    element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        element.click();
      }
    });
  }

  // The theme draws charts when a page is loaded; a part that follows by itself can bring one later.
  document.addEventListener("htmx:afterSettle", () => {
    if (document.querySelector(".chart")) renderCharts();
  });

  // What went wrong, or what is to be confirmed, gets the focus: first the field itself, where there is one.
  const first = document.querySelector("[data-focus]");
  if (first) {
    const field = first.closest(".wb-field");
    const target = field?.querySelector("textarea, input") ?? first;
    target.focus();
  }
});
