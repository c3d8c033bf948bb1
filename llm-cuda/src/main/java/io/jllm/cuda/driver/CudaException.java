package io.jllm.cuda.driver;

/** A call of the driver failed. The message names the call, what it was for, and the driver's own name of the error. */
public class CudaException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int code;

    CudaException(String message, int code) {
        super(message);
        this.code = code;
    }

    /** The driver's number of the error, a {@code CUresult}. */
    public int code() {
        return code;
    }
}
