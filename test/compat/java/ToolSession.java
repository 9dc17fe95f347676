import java.io.*;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs Kafka's tools one after the other in one JVM. A line of standard input is a class and its arguments, parted
 * by tabs; what it prints comes back behind "> " and "! " (standard error), and its exit code behind "= ".
 */
public class ToolSession {
  static class Ended extends RuntimeException {
    final int code;

    Ended(int code, String message) {
      super(message);
      this.code = code;
    }
  }

  public static void main(String[] args) throws Exception {
    var out = System.out;
    Exit.setExitProcedure((code, message) -> { throw new Ended(code, message); });
    Exit.setHaltProcedure((code, message) -> { throw new Ended(code, message); });
    var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = lines.readLine()) != null; ) {
      var words = line.split("\t");
      var printed = new ByteArrayOutputStream();
      var errors = new ByteArrayOutputStream();
      System.setOut(new PrintStream(printed, true));
      System.setErr(new PrintStream(errors, true));
      int code = run(words[0], java.util.Arrays.copyOfRange(words, 1, words.length));
      System.out.flush();
      System.err.flush();
      print(out, "> ", printed);
      print(out, "! ", errors);
      out.println("= " + code);
      out.flush();
    }
  }

  static int run(String name, String[] args) throws Exception {
    try {
      Class.forName(name).getMethod("main", String[].class).invoke(null, (Object) args);
      return 0;
    } catch (java.lang.reflect.InvocationTargetException thrown) {
      if (!(thrown.getCause() instanceof Ended ended)) {
        thrown.getCause().printStackTrace();
        return 1;
      }
      if (ended.getMessage() != null) System.err.println(ended.getMessage());
      return ended.code;
    }
  }

  static void print(PrintStream out, String prefix, ByteArrayOutputStream what) {
    what.toString(StandardCharsets.UTF_8).lines().forEach(line -> out.println(prefix + line));
  }
}
