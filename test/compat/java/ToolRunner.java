import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's tools one after the other in one JVM. A line of its input is a call, {"main": class, "args": [...],
 * "input": text}; a line of its output what the tool did: {"exitCode": n, "stdout": text, "stderr": text}.
 */
public class ToolRunner {
    private static final long LIMIT_MS = 120_000;
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final PrintStream ANSWERS = System.out;
    private static final Set<Thread> HOOKS_OF_RUNNER = new HashSet<>();

    /** What an exit throws, so that the tool's thread ends and its finally blocks run. */
    private static class Exited extends Error {
        Exited() {
            super(null, null, false, false);
        }
    }

    /** What a tool prints, up to its exit. */
    private static class Capture extends ByteArrayOutputStream {
        volatile boolean closed;

        @Override
        public synchronized void write(int value) {
            if (!closed) super.write(value);
        }

        @Override
        public synchronized void write(byte[] bytes, int from, int length) {
            if (!closed) super.write(bytes, from, length);
        }
    }

    private final Capture stdout = new Capture();
    private final Capture stderr = new Capture();
    private final List<Thread> hooks = new CopyOnWriteArrayList<>();
    private volatile Integer exitCode;

    public static void main(String[] ignored) throws Exception {
        InputStream calls = System.in;
        HOOKS_OF_RUNNER.addAll(hooksOfRuntime().keySet());
        BufferedReader lines = new BufferedReader(new InputStreamReader(calls, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            ANSWERS.println(JSON.writeValueAsString(new ToolRunner().run(JSON.readTree(line))));
            ANSWERS.flush();
        }
        System.exit(0);
    }

    private Map<String, Object> run(JsonNode call) throws Exception {
        System.setIn(new ByteArrayInputStream(call.get("input").asText().getBytes(StandardCharsets.UTF_8)));
        System.setOut(new PrintStream(stdout, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(stderr, true, StandardCharsets.UTF_8));
        Exit.setExitProcedure((code, message) -> exit(code));
        Exit.setHaltProcedure((code, message) -> exit(code));
        Exit.setShutdownHookAdder((name, hook) -> hooks.add(new Thread(hook, name)));
        String[] args = JSON.convertValue(call.get("args"), String[].class);
        Thread tool = new Thread(() -> callMain(call.get("main").asText(), args), "tool");
        tool.start();
        tool.join(LIMIT_MS);
        if (tool.isAlive()) return stuck(tool);
        if (exitCode == null) exitCode = 0;
        stdout.closed = stderr.closed = false;
        hooks.addAll(takeHooksOfRuntime());
        for (Thread hook : hooks) hook.start();
        for (Thread hook : hooks) hook.join(LIMIT_MS);
        return result();
    }

    /** Some tools add theirs to the JVM itself. Needs --add-opens java.base/java.lang=ALL-UNNAMED. */
    private static Set<Thread> takeHooksOfRuntime() throws ReflectiveOperationException {
        Set<Thread> taken = new HashSet<>(hooksOfRuntime().keySet());
        taken.removeAll(HOOKS_OF_RUNNER);
        hooksOfRuntime().keySet().removeAll(taken);
        return taken;
    }

    @SuppressWarnings("unchecked")
    private static Map<Thread, Thread> hooksOfRuntime() throws ReflectiveOperationException {
        Field field = Class.forName("java.lang.ApplicationShutdownHooks").getDeclaredField("hooks");
        field.setAccessible(true);
        return (Map<Thread, Thread>) field.get(null);
    }

    /** The first exit counts; what a tool does after it is what a real exit would have prevented. */
    private void exit(int code) {
        if (exitCode == null) exitCode = code;
        stdout.closed = stderr.closed = true;
        throw new Exited();
    }

    private void callMain(String main, String[] args) {
        try {
            Class.forName(main).getMethod("main", String[].class).invoke(null, (Object) args);
        } catch (InvocationTargetException failure) {
            if (failure.getCause() instanceof Exited) return;
            System.err.print("Exception in thread \"main\" ");
            failure.getCause().printStackTrace();
            if (exitCode == null) exitCode = 1;
        } catch (ReflectiveOperationException failure) {
            failure.printStackTrace();
            exitCode = 127;
        }
    }

    private Map<String, Object> stuck(Thread tool) {
        for (StackTraceElement frame : tool.getStackTrace()) System.err.println("    in " + frame);
        System.err.println("does not end");
        exitCode = -1;
        return result();
    }

    private Map<String, Object> result() {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("exitCode", exitCode);
        answer.put("stdout", stdout.toString(StandardCharsets.UTF_8));
        answer.put("stderr", stderr.toString(StandardCharsets.UTF_8));
        return answer;
    }
}
