// The passes over pixels of the inverse problem on an NVIDIA GPU, each in one sweep over memory.
// `expressions` says what each computes; `kernels` compiles, checks and launches them.
//
// Any grid of threads does: a thread takes every n-th pixel. Sums go to one double per thread, so that
// threads share nothing and the order of summation is fixed. A C++ compiler takes this file as well, with a
// few definitions in front: so the tests run it without a GPU.

typedef long long Index;

__device__ inline Index first_of_thread() { return (Index)blockIdx.x * blockDim.x + threadIdx.x; }

__device__ inline Index number_of_threads() { return (Index)gridDim.x * blockDim.x; }

// Sample -> field behind it, one plane of the field per channel.
extern "C" __global__ void transmittance(const float* opd, const float* absorption, const float* rad_per_unit,
                                         Index channels, Index pixels, float2* field) {
  for (Index i = first_of_thread(); i < pixels; i += number_of_threads()) {
    const float modulus = expf(-absorption[i]);
    for (Index c = 0; c < channels; ++c) {
      float sine, cosine;
      sincosf(rad_per_unit[c] * opd[i], &sine, &cosine);
      field[c * pixels + i] = make_float2(modulus * cosine, modulus * sine);
    }
  }
}

// The transfer function (sign 1) or its adjoint (sign -1), with the scale that the inverse FFT leaves out.
extern "C" __global__ void filter_spectrum(float2* spectrum, const float2* transfer, float scale, float sign,
                                           Index size) {
  for (Index i = first_of_thread(); i < size; i += number_of_threads()) {
    const float2 value = spectrum[i];
    const float re = scale * transfer[i].x, im = sign * scale * transfer[i].y;
    spectrum[i] = make_float2(value.x * re - value.y * im, value.x * im + value.y * re);
  }
}

__device__ inline float error_of(float modulus, float recorded) {
  if (recorded >= 0) return modulus - recorded;
  const float above = modulus + recorded;  // the light was at least -recorded
  return above > 0 ? 0 : above;
}

// The field becomes the residual; sums of squared errors.
extern "C" __global__ void amplitude_residual(float2* field, const float* amplitude, Index size, double* sums) {
  double sum = 0;
  for (Index i = first_of_thread(); i < size; i += number_of_threads()) {
    const float2 value = field[i];
    const float modulus = sqrtf(value.x * value.x + value.y * value.y);
    const float error = error_of(modulus, amplitude[i]);
    const float factor = 2 * error / (modulus > 1e-12f ? modulus : 1e-12f);
    field[i] = make_float2(factor * value.x, factor * value.y);
    sum += (double)(error * error);
  }
  sums[first_of_thread()] = sum;
}

// Sums of squared errors alone.
extern "C" __global__ void squared_error(const float2* field, const float* amplitude, Index size, double* sums) {
  double sum = 0;
  for (Index i = first_of_thread(); i < size; i += number_of_threads()) {
    const float2 value = field[i];
    const float error = error_of(sqrtf(value.x * value.x + value.y * value.y), amplitude[i]);
    sum += (double)(error * error);
  }
  sums[first_of_thread()] = sum;
}

// Chain rule through the transmittance, which is made again: that costs less than to keep and read it.
extern "C" __global__ void add_gradient(const float* opd, const float* absorption, const float2* back,
                                        const float* rad_per_unit, Index channels, Index pixels,
                                        float* gradient) {
  for (Index i = first_of_thread(); i < pixels; i += number_of_threads()) {
    float by_opd = 0, by_absorption = 0;
    for (Index c = 0; c < channels; ++c) {
      const float2 g = back[c * pixels + i];
      float sine, cosine;
      sincosf(rad_per_unit[c] * opd[i], &sine, &cosine);
      by_opd += rad_per_unit[c] * (cosine * g.y - sine * g.x);
      by_absorption += cosine * g.x + sine * g.y;
    }
    const float scale = expf(-absorption[i]) / channels;
    gradient[i] += scale * by_opd;
    gradient[pixels + i] -= scale * by_absorption;
  }
}

// Forward differences of a periodic image over their length; returns the length.
__device__ inline float unit_step(const float* image, Index y, Index x, Index ny, Index nx, float tv_eps,
                                  float2* unit) {
  const float here = image[y * nx + x];
  const float step_y = image[(y + 1 < ny ? y + 1 : 0) * nx + x] - here;
  const float step_x = image[y * nx + (x + 1 < nx ? x + 1 : 0)] - here;
  const float size = sqrtf(step_y * step_y + step_x * step_x + tv_eps * tv_eps);
  *unit = make_float2(step_x / size, step_y / size);
  return size;
}

// Each pixel gathers from itself, its left and its upper neighbour.
extern "C" __global__ void add_regulariser(const float* image, float* gradient, Index ny, Index nx,
                                           float tv_weight, float tv_eps, float negative_weight,
                                           float square_weight, double* sums) {
  double sum = 0;
  for (Index i = first_of_thread(); i < ny * nx; i += number_of_threads()) {
    const Index y = i / nx, x = i - y * nx;
    float2 here, left, above;
    const float size = unit_step(image, y, x, ny, nx, tv_eps, &here);
    unit_step(image, y, x > 0 ? x - 1 : nx - 1, ny, nx, tv_eps, &left);
    unit_step(image, y > 0 ? y - 1 : ny - 1, x, ny, nx, tv_eps, &above);
    const float value = image[i];
    const float below = value > 0 ? 0 : value;
    const float relief = 1 / (1 + value * value);
    gradient[i] += tv_weight * (above.y - here.y + left.x - here.x) + 2 * negative_weight * below +
                   2 * square_weight * value * relief * relief;
    sum += (double)(tv_weight * (size - tv_eps) + negative_weight * below * below +
                    square_weight * value * value * relief);
  }
  sums[first_of_thread()] = sum;
}

extern "C" __global__ void axpy(float factor, const float* source, float* target, Index size) {
  for (Index i = first_of_thread(); i < size; i += number_of_threads()) target[i] += factor * source[i];
}

extern "C" __global__ void dot(const float* left, const float* right, Index size, double* sums) {
  double sum = 0;
  for (Index i = first_of_thread(); i < size; i += number_of_threads()) sum += (double)left[i] * right[i];
  sums[first_of_thread()] = sum;
}

// A symmetric real 2 x 2 matrix per frequency on a pair of spectra, one after the other in memory.
extern "C" __global__ void mix_spectra(float2* pair, const float* first, const float* both,
                                       const float* second, Index pixels) {
  for (Index i = first_of_thread(); i < pixels; i += number_of_threads()) {
    const float2 one = pair[i], two = pair[pixels + i];
    const float a = first[i], b = both[i], c = second[i];
    pair[i] = make_float2(a * one.x + b * two.x, a * one.y + b * two.y);
    pair[pixels + i] = make_float2(b * one.x + c * two.x, b * one.y + c * two.y);
  }
}

// Sum of the lengths of the forward differences of a periodic image.
extern "C" __global__ void variation(const float* image, Index ny, Index nx, double* sums) {
  double sum = 0;
  for (Index i = first_of_thread(); i < ny * nx; i += number_of_threads()) {
    const Index y = i / nx, x = i - y * nx;
    float2 unit;
    sum += (double)unit_step(image, y, x, ny, nx, 0, &unit);
  }
  sums[first_of_thread()] = sum;
}

// image - weight D^T dual at one pixel, with D the forward differences.
__device__ inline float denoised(const float* image, Index y, Index x, Index ny, Index nx, float weight,
                                 const float* dual) {
  const Index i = y * nx + x, pixels = ny * nx;
  const Index above = (y > 0 ? y - 1 : ny - 1) * nx + x;
  const Index left = y * nx + (x > 0 ? x - 1 : nx - 1);
  return image[i] - weight * (dual[above] - dual[i] + dual[pixels + left] - dual[pixels + i]);
}

// One projected gradient step on the dual; a pixel's lower and right neighbours are computed along with it.
extern "C" __global__ void dual_step(const float* image, float weight, float pace, const float* dual, Index ny,
                                     Index nx, float* stepped) {
  for (Index i = first_of_thread(); i < ny * nx; i += number_of_threads()) {
    const Index y = i / nx, x = i - y * nx;
    const float here = denoised(image, y, x, ny, nx, weight, dual);
    const float below = denoised(image, y + 1 < ny ? y + 1 : 0, x, ny, nx, weight, dual);
    const float right = denoised(image, y, x + 1 < nx ? x + 1 : 0, ny, nx, weight, dual);
    const float to_y = dual[i] + pace * (below - here);
    const float to_x = dual[ny * nx + i] + pace * (right - here);
    const float size = sqrtf(to_y * to_y + to_x * to_x);
    stepped[i] = to_y / (size > 1 ? size : 1);
    stepped[ny * nx + i] = to_x / (size > 1 ? size : 1);
  }
}

// The denoised image, and what lies beyond it as seen from the last one.
extern "C" __global__ void move_on(const float* image, float weight, const float* dual, float momentum,
                                   Index ny, Index nx, float* point, float* ahead) {
  for (Index i = first_of_thread(); i < ny * nx; i += number_of_threads()) {
    const Index y = i / nx, x = i - y * nx;
    const float value = denoised(image, y, x, ny, nx, weight, dual);
    ahead[i] = value + momentum * (value - point[i]);
    point[i] = value;
  }
}
