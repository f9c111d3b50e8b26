/* data-behavior="strip" on a frame around a .strip: gives it buttons that step through it, where it is too wide. */

export function attach(frame) {
  const strip = frame.querySelector(".strip");
  const back = frame.querySelector(".strip__step--back");
  const on = frame.querySelector(".strip__step--on");
  const step = (direction) => {
    const first = strip.firstElementChild;
    const gap = parseFloat(getComputedStyle(strip).columnGap) || 0;
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    strip.scrollBy({ left: direction * (first.offsetWidth + gap), behavior: calm ? "auto" : "smooth" });
  };
  const show = () => {
    const room = strip.scrollWidth - strip.clientWidth;
    back.hidden = strip.scrollLeft < 4;
    on.hidden = strip.scrollLeft > room - 4;
  };
  back.addEventListener("click", () => step(-1));
  on.addEventListener("click", () => step(1));
  strip.addEventListener("scroll", show, { passive: true });
  new ResizeObserver(show).observe(strip);
}
