package io.jllm.cuda.driver;

/** The device has no room for an allocation; what was allocated before is untouched, and the device can be used on. */
public final class OutOfDeviceMemoryException extends CudaException {
    private static final long serialVersionUID = 1;

    OutOfDeviceMemoryException(String message, int code) {
        super(message, code);
    }
}
