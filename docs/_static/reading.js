"use strict";

// What scrolls sideways can be reached by keyboard, the two sidebars have names, and captions are headings of a level.
const reach = () => {
  for (const box of document.querySelectorAll("pre, .table-wrapper, figure.wide")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
};

document.querySelector(".sidebar-drawer")?.setAttribute("aria-label", "All pages");
document.querySelector(".toc-drawer")?.setAttribute("aria-label", "On this page");
for (const caption of document.querySelectorAll(".caption[role=heading]")) caption.ariaLevel = "2";
reach();
window.addEventListener("resize", reach);
