/**
 * A figure of the page as a file: whatever draws it, text, boxes, lines, drawings and canvases become one SVG that
 * needs no styles.
 */
const SVG = 'http://www.w3.org/2000/svg';
/** Properties that drawings get from styles. */
const DRAWN = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'opacity', 'font-family', 'font-size', 'font-style', 'font-weight', 'text-decoration', 'text-anchor'] as const; // prettier-ignore
/** What steers a figure is no part of it. */
const STEERS = 'button, input, select, [popover]';
const MARGIN_PX = 16;

/** A figure as SVG text, on the ground of the page. */
export function figureSvg(figure: Element): string {
  const { left, top, width, height } = figure.getBoundingClientRect();
  const page = document.createElementNS(SVG, 'svg');
  const [wide, high] = [Math.ceil(width) + 2 * MARGIN_PX, Math.ceil(height) + 2 * MARGIN_PX];
  setAll(page, { xmlns: SVG, width: wide, height: high, viewBox: `0 0 ${wide} ${high}` });
  const ground = getComputedStyle(document.documentElement).backgroundColor;
  page.append(shape('rect', { width: '100%', height: '100%', fill: ground }));
  const drawing = shape('g', { transform: `translate(${at(MARGIN_PX - left)} ${at(MARGIN_PX - top)})` });
  drawing.append(...partsOf(figure));
  page.append(drawing);
  plainColours(page);
  return new XMLSerializer().serializeToString(page);
}

function partsOf(node: Node): SVGElement[] {
  if (node instanceof Text) return textsOf(node);
  if (!(node instanceof Element)) return node instanceof DocumentFragment ? [...node.childNodes].flatMap(partsOf) : [];
  const style = getComputedStyle(node);
  const isHidden = style.display === 'none' || style.visibility === 'hidden' || style.clipPath === 'inset(50%)';
  if (isHidden || node.matches(STEERS) || node instanceof HTMLStyleElement) return [];
  if (node instanceof SVGSVGElement) return [drawingOf(node)];
  if (node instanceof HTMLCanvasElement) return [pictureOf(node)];
  const children = node instanceof HTMLSlotElement ? node.assignedNodes() : (node.shadowRoot ?? node).childNodes;
  return [...boxOf(node, style), ...[...children].flatMap(partsOf)];
}

/** The ground and the edges of an element. */
function boxOf(element: Element, style: CSSStyleDeclaration): SVGElement[] {
  const { left, top, right, bottom, width, height } = element.getBoundingClientRect();
  if (width === 0 && height === 0) return [];
  const parts: SVGElement[] = [];
  const radius = Number.parseFloat(style.borderTopLeftRadius) || 0;
  const rx = style.borderTopLeftRadius.endsWith('%') ? (radius / 100) * width : radius;
  if (isVisible(style.backgroundColor)) {
    const { opacity } = style;
    const look = { fill: style.backgroundColor, opacity };
    parts.push(shape('rect', { x: at(left), y: at(top), width: at(width), height: at(height), rx: at(Math.min(rx, height / 2)), ...look })); // prettier-ignore
  }
  const edges = [
    ['Top', left, top, right, top],
    ['Bottom', left, bottom, right, bottom],
    ['Left', left, top, left, bottom],
    ['Right', right, top, right, bottom],
  ] as const;
  for (const [side, x1, y1, x2, y2] of edges) {
    const thick = Number.parseFloat(style[`border${side}Width`]);
    const colour = style[`border${side}Color`];
    if (thick === 0 || style[`border${side}Style`] === 'none' || !isVisible(colour)) continue;
    const dash = { dashed: '6 4', dotted: '2 3' }[style[`border${side}Style`]] ?? 'none';
    const look = { stroke: colour, 'stroke-width': thick, 'stroke-dasharray': dash };
    parts.push(shape('line', { x1: at(x1), y1: at(y1), x2: at(x2), y2: at(y2), ...look }));
  }
  return parts;
}

/** The lines of a text, each at its place. */
function textsOf(text: Text): SVGElement[] {
  const parent = text.parentElement ?? (text.parentNode instanceof ShadowRoot ? text.parentNode.host : null);
  if (parent === null || text.data.trim() === '') return [];
  const style = getComputedStyle(parent);
  const range = document.createRange();
  const lines: { words: string; left: number; middle: number }[] = [];
  for (const { 0: word, index } of text.data.matchAll(/\S+\s*/gu)) {
    range.setStart(text, index);
    range.setEnd(text, index + word.trimEnd().length);
    const { left, top, height, width } = range.getBoundingClientRect();
    if (width === 0) continue;
    const middle = top + height / 2;
    const line = lines.at(-1);
    if (line !== undefined && Math.abs(line.middle - middle) < height / 2) line.words += word;
    else lines.push({ words: word, left, middle });
  }
  const { fontFamily, fontSize, fontWeight, fontStyle, textDecorationLine } = style;
  return lines.map(({ words, left, middle }) => {
    const look = {
      'font-family': fontFamily,
      'font-size': fontSize,
      'font-weight': fontWeight,
      'font-style': fontStyle,
    };
    const part = shape('text', { x: at(left), y: at(middle), dy: '0.35em', fill: style.color, 'text-decoration': textDecorationLine, ...look }); // prettier-ignore
    part.textContent = words.replaceAll(/\s+/gu, ' ').trimEnd();
    return part;
  });
}

function drawingOf(drawing: SVGSVGElement): SVGElement {
  const copy = drawing.cloneNode(true) as SVGSVGElement;
  const [from, to] = [[...drawing.querySelectorAll('*')], [...copy.querySelectorAll('*')]];
  for (const [i, element] of from.entries()) {
    const style = getComputedStyle(element);
    for (const name of DRAWN) {
      const value = style.getPropertyValue(name);
      to[i]?.setAttribute(name, value);
    }
    for (const name of ['class', 'tabindex', 'role', 'style']) to[i]?.removeAttribute(name);
  }
  const { left, top, width, height } = drawing.getBoundingClientRect();
  for (const name of ['class', 'style']) copy.removeAttribute(name);
  setAll(copy, { x: at(left), y: at(top), width: at(width), height: at(height), overflow: 'visible' });
  return copy;
}

function pictureOf(canvas: HTMLCanvasElement): SVGElement {
  const { left, top, width, height } = canvas.getBoundingClientRect();
  return shape('image', { x: at(left), y: at(top), width: at(width), height: at(height), href: canvas.toDataURL() });
}

function shape(
  name: 'g' | 'rect' | 'line' | 'text' | 'image',
  attributes: Record<string, string | number>,
): SVGElement {
  const made = document.createElementNS(SVG, name);
  setAll(made, attributes);
  return made;
}

function setAll(element: Element, attributes: Record<string, string | number>): void {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
}

function at(px: number): string {
  return px.toFixed(1);
}

function isVisible(colour: string): boolean {
  return !/^(?:transparent|rgba\(.*, 0\))$/u.test(colour);
}

/** Writes all colours as programs that draw know them. */
function plainColours(drawing: Element): void {
  const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const known = new Map<string, string>();
  const plain = (colour: string): string => {
    const found = known.get(colour);
    if (found !== undefined || context === null) return found ?? colour;
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r = 0, g = 0, b = 0] = context.getImageData(0, 0, 1, 1).data;
    const made = `rgb(${r}, ${g}, ${b})`;
    known.set(colour, made);
    return made;
  };
  for (const element of drawing.querySelectorAll('[fill], [stroke]')) {
    for (const name of ['fill', 'stroke']) {
      const colour = element.getAttribute(name);
      if (colour !== null && colour.includes('(')) element.setAttribute(name, plain(colour));
    }
  }
}
