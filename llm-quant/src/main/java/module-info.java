/** Weight files and formats: GGUF, safetensors and PyTorch readers and writers, and a codec for each block format. */
module io.jllm.quant {
    requires com.google.gson;

    exports io.jllm.quant;
    exports io.jllm.quant.file to io.jllm.core; // the model folder's other files are judged by the same code
    exports io.jllm.quant.gguf;
    exports io.jllm.quant.pytorch;
    exports io.jllm.quant.safetensors;
}
