/** A drawing as a file of pixels. */
import { LabError } from '../../../common/errors.ts';

/** Pixels of a PNG for one of the page, so that it can be printed. */
const PNG_SCALE = 2;

/**
 * A drawing of SVG with a width and a height as PNG.
 *
 * @throws {LabError} `internal` where the browser cannot draw it
 */
export async function figurePng(svgText: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgText)}`;
  const undrawable = (cause?: unknown): LabError =>
    new LabError('internal', {
      message: 'This browser cannot draw the figure as PNG.',
      expected: 'a figure that a canvas can hold',
      got: `${svgText.length} characters of SVG`,
      fix: 'Save it as SVG, which is the same figure.',
      cause,
    });
  await image.decode().catch((cause: unknown) => {
    throw undrawable(cause);
  });
  const canvas = document.createElement('canvas');
  canvas.width = image.naturalWidth * PNG_SCALE;
  canvas.height = image.naturalHeight * PNG_SCALE;
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  const made = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (made === null) throw undrawable();
  return made;
}
