/* Marks on a picture what is painted anew. White in the mask is painted; the rest stays as it is, pixel for pixel. */

const LONGEST = 1536;
const STEP = 4;

export class MaskBrush {
  /** `frame` holds the canvas, a slider and the button that clears. */
  constructor(frame) {
    this.frame = frame;
    this.canvas = frame.querySelector("canvas");
    this.context = this.canvas.getContext("2d");
    this.mask = document.createElement("canvas");
    this.size = frame.querySelector("[data-brush-size]");
    this.marked = false;
    this.at = null; // where the keyboard's brush stands
    frame.querySelector("[data-brush-clear]").addEventListener("click", () => this.clear());
    this.canvas.addEventListener("pointerdown", (event) => this.begin(event));
    this.canvas.addEventListener("pointermove", (event) => event.buttons && this.mark(this.place(event)));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
  }

  /** Show a file or an address. A picture that the browser cannot draw leaves the brush hidden. */
  async show(source) {
    const image = new Image();
    image.src = source instanceof Blob ? URL.createObjectURL(source) : source;
    try {
      await image.decode();
    } catch {
      this.hide();
      return;
    }
    const scale = Math.min(1, LONGEST / Math.max(image.naturalWidth, image.naturalHeight));
    for (const canvas of [this.canvas, this.mask]) {
      canvas.width = Math.round(image.naturalWidth * scale);
      canvas.height = Math.round(image.naturalHeight * scale);
    }
    this.image = image;
    this.at = { x: this.canvas.width / 2, y: this.canvas.height / 2 };
    this.frame.hidden = false;
    this.clear();
  }

  hide() {
    this.frame.hidden = true;
    this.marked = false;
  }

  clear() {
    const context = this.mask.getContext("2d");
    context.fillStyle = "black";
    context.fillRect(0, 0, this.mask.width, this.mask.height);
    this.marked = false;
    this.draw();
  }

  begin(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.mark(this.place(event));
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * this.canvas.width,
      y: ((event.clientY - box.top) / box.height) * this.canvas.height,
    };
  }

  radius() {
    return (Number(this.size.value) / 200) * Math.max(this.canvas.width, this.canvas.height);
  }

  mark({ x, y }) {
    const context = this.mask.getContext("2d");
    context.fillStyle = "white";
    context.beginPath();
    context.arc(x, y, this.radius(), 0, 2 * Math.PI);
    context.fill();
    this.at = { x, y };
    this.marked = true;
    this.draw();
  }

  key(event) {
    const step = Math.max(this.canvas.width, this.canvas.height) / 100 * STEP;
    const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    if (moves[event.key]) {
      const [dx, dy] = moves[event.key];
      this.at = {
        x: Math.min(this.canvas.width, Math.max(0, this.at.x + dx)),
        y: Math.min(this.canvas.height, Math.max(0, this.at.y + dy)),
      };
      this.draw(true);
    } else if (event.key === " ") this.mark(this.at);
    else if (event.key === "Delete") this.clear();
    else return;
    event.preventDefault();
  }

  /** The picture, darkened where it is painted anew, with the keyboard's place if that is in use. */
  draw(withPlace = document.activeElement === this.canvas) {
    const { context, canvas } = this;
    context.globalCompositeOperation = "source-over";
    context.globalAlpha = 1;
    context.drawImage(this.image, 0, 0, canvas.width, canvas.height);
    context.globalCompositeOperation = "screen";
    context.globalAlpha = 0.6;
    context.drawImage(this.mask, 0, 0);
    context.globalCompositeOperation = "source-over";
    context.globalAlpha = 1;
    if (!withPlace) return;
    context.strokeStyle = "red";
    context.lineWidth = 2;
    context.beginPath();
    context.arc(this.at.x, this.at.y, this.radius(), 0, 2 * Math.PI);
    context.stroke();
  }

  /** The mask as a PNG of the render's size. */
  async file(width, height) {
    const canvas = document.createElement("canvas");
    canvas.width = width || this.mask.width;
    canvas.height = height || this.mask.height;
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    context.drawImage(this.mask, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
    return new File([blob], "mask.png", { type: "image/png" });
  }
}
