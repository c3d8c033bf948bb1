package io.jllm.cpu.os;

/** Machine code cannot run here; the message says why. */
public final class MachineCodeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** With the reason. */
    public MachineCodeException(String reason) {
        super(reason);
    }
}
