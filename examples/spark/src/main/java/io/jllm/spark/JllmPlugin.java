package io.jllm.spark;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricRegistry;
import io.jllm.EngineMetrics;
import io.jllm.LLM;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;
import org.apache.spark.resource.ResourceInformation;

/**
 * Has an engine in each executor from its start to its end: {@code spark.plugins=io.jllm.spark.JllmPlugin}, and the settings
 * {@code spark.jllm.*}, of which {@code spark.jllm.model} is needed. It computes on the GPU that Spark gave to the executor
 * ({@code spark.executor.resource.gpu.amount=1}), else on its processors. Tasks get it by {@link #llm}, and {@link Inference} does so for them.
 *
 * <p>An executor whose model cannot be loaded ends, and says why in its log. Executors send heartbeats while they load. Counts of the engine are
 * among Spark's metrics, as {@code plugin.io.jllm.spark.JllmPlugin.running} and so on.
 */
public final class JllmPlugin implements SparkPlugin {
    private static final System.Logger LOG = System.getLogger("io.jllm");

    /**
     * The engine of the executor that the calling task runs in. It is not the task's to close.
     *
     * @throws IllegalStateException if the application runs without this plugin
     */
    public static LLM llm() {
        return ExecutorEngine.get();
    }

    @Override
    public DriverPlugin driverPlugin() {
        return new OnDriver();
    }

    @Override
    public ExecutorPlugin executorPlugin() {
        return new OnExecutor();
    }

    private static EngineSettings settings(SparkConf conf) {
        return EngineSettings.of(() -> Stream.of(conf.getAll()).<Map.Entry<String, String>>map(e -> Map.entry(e._1(), e._2())).iterator());
    }

    /** Checks the settings before any machine is asked for. */
    private static final class OnDriver implements DriverPlugin {
        @Override
        public Map<String, String> init(SparkContext context, PluginContext plugin) {
            settings(context.conf());
            return Map.of();
        }
    }

    private static final class OnExecutor implements ExecutorPlugin {
        private static final Map<String, Function<EngineMetrics, Number>> GAUGES = Map.of(
                "running", EngineMetrics::running,
                "waiting", EngineMetrics::waiting,
                "generatedTokens", EngineMetrics::generatedTokens,
                "prefillTokens", EngineMetrics::prefillTokens,
                "cachedTokens", EngineMetrics::cachedTokens,
                "generatedPerSecond", EngineMetrics::generatedPerSecond,
                "prefilledPerSecond", EngineMetrics::prefilledPerSecond,
                "meanBatchSize", EngineMetrics::meanBatchSize,
                "kvUse", EngineMetrics::kvUse);

        @Override
        public void init(PluginContext context, Map<String, String> extra) {
            EngineSettings settings = settings(context.conf());
            ResourceInformation gpu = context.resources().get(settings.gpuResource());
            List<String> gpus = gpu == null ? List.of() : List.of(gpu.addresses());
            Optional<Integer> cores = Optional.of(context.conf().getInt("spark.executor.cores", 0)).filter(c -> c > 0);
            ExecutorEngine.open(() -> settings.open(gpus, cores));
            LOG.log(System.Logger.Level.INFO, "executor {0} computes by {1}", context.executorID(), llm().describe());
            MetricRegistry metrics = context.metricRegistry();
            GAUGES.forEach((name, count) -> metrics.register(name, gauge(count)));
        }

        private static Gauge<Number> gauge(Function<EngineMetrics, Number> count) {
            return () -> ExecutorEngine.current().map(LLM::metrics).map(count).orElse(0);
        }

        @Override
        public void shutdown() {
            ExecutorEngine.close();
        }
    }
}
