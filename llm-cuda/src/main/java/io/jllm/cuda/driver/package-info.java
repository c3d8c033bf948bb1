/**
 * A thin typed layer over the CUDA driver API: every call is checked, errors name the call and what it was for, and every allocation has one owner
 * that gives it back. The only package, beside the generated one, that binds native code.
 */
package io.jllm.cuda.driver;
